//! Which part of a package refers to which.

use crate::archive::Archive;
use crate::failure::Result;
use crate::limits::Budget;
use crate::xml::{self, Node};

/// A reference from one part to another in the same package. Those to the outside are left out: nothing follows them.
pub(super) struct Relation {
    pub(super) id: String,
    /// The last segment of its type's URI, as `slide`.
    pub(super) kind: String,
    /// The name of the part referred to.
    pub(super) part: String,
}

/// The relations of the package itself.
pub(super) fn of_package(archive: &mut Archive<'_>, budget: &Budget<'_>) -> Result<Vec<Relation>> {
    read(archive, "_rels/.rels", "", budget)
}

/// The relations of a part.
pub(super) fn of_part(
    archive: &mut Archive<'_>,
    part: &str,
    budget: &Budget<'_>,
) -> Result<Vec<Relation>> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    read(
        archive,
        &format!("{folder}/_rels/{file}.rels"),
        folder,
        budget,
    )
}

fn read(
    archive: &mut Archive<'_>,
    name: &str,
    folder: &str,
    budget: &Budget<'_>,
) -> Result<Vec<Relation>> {
    let Some(xml) = archive.xml(name)? else {
        return Ok(Vec::new());
    };
    let mut relations = Vec::new();
    xml::walk(&xml, budget, &mut |node| {
        let Node::Open("Relationship", element) = node else {
            return Ok(());
        };
        if element.attribute("TargetMode").as_deref() == Some("External") {
            return Ok(());
        }
        let (id, kind, target) = (
            element.attribute("Id"),
            element.attribute("Type"),
            element.attribute("Target"),
        );
        if let (Some(id), Some(kind), Some(target)) = (id, kind, target) {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            budget.objects(relations.len() + 1, "parts")?;
            relations.push(Relation {
                id,
                kind,
                part: resolve(folder, &target),
            });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// A target is relative to the folder of its part, or begins at the package's root.
fn resolve(folder: &str, target: &str) -> String {
    let (base, target) = match target.strip_prefix('/') {
        Some(absolute) => ("", absolute),
        None => (folder, target),
    };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_relative_to_its_part_or_absolute() {
        assert_eq!(
            resolve("ppt/slides", "../notesSlides/notes1.xml"),
            "ppt/notesSlides/notes1.xml"
        );
        assert_eq!(
            resolve("xl", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml"
        );
        assert_eq!(
            resolve("xl", "/xl/worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml"
        );
        assert_eq!(resolve("", "../../../etc/passwd"), "etc/passwd");
    }
}
