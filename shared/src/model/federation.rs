//! Other issuers of tokens that a tenant trusts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{IdentityProviderId, MembershipRole, TenantId};

/// An OpenID Connect issuer whose tokens, for one audience, a tenant trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its id.
    pub id: IdentityProviderId,
    /// The tenant whose data its tokens reach.
    pub tenant: TenantId,
    /// The `iss` of its tokens, to the letter.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: Audience,
    /// Where in its tokens the roles stand.
    pub role_claim: RoleClaim,
    /// What its roles are worth here.
    pub roles: RoleMap,
    /// When it was configured.
    pub created_at: Moment,
}

/// What a token of another issuer says, after everything in it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedClaims {
    /// Who it is, among the people of the issuer.
    pub subject: String,
    /// What the person may do here: the highest role that is mapped.
    pub role: MembershipRole,
}

/// For whom an issuer's tokens are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(String);

impl Audience {
    /// The longest, in characters.
    pub const MAX_CHARACTERS: usize = 255;

    /// Between 1 and 255 characters without control characters, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        super::conversation::line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One as it was stored.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// Where in a token the roles stand: the name of a claim, or names with dots between them that lead into it,
/// such as `realm_access.roles`. A claim whose whole name has the dots in it, as in `https://example.com/roles`,
/// counts first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleClaim(String);

impl RoleClaim {
    /// The longest, in characters.
    pub const MAX_CHARACTERS: usize = 200;

    /// Between 1 and 200 characters without control characters, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        super::conversation::line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One as it was stored.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The values in the claims: a text is one, of a list each text is one, and anything else is none.
    pub fn values<'a>(&self, claims: &'a Map<String, Value>) -> Vec<&'a str> {
        match claims.get(&self.0).or_else(|| self.inside(claims)) {
            Some(Value::String(value)) => vec![value],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn inside<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let mut names = self.0.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.as_object()?.get(name))
    }
}

/// What an issuer's roles are worth here. None of them is worth more than an administrator: who owns a tenant is
/// decided in the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMap(BTreeMap<String, MembershipRole>);

impl RoleMap {
    /// How many roles are mapped at most.
    pub const MOST: usize = 100;
    /// The longest name of a role, in characters.
    pub const MAX_CHARACTERS: usize = 200;

    /// Between 1 and 100 roles, of which none is mapped to the owner.
    pub fn parse(field: &str, roles: BTreeMap<String, MembershipRole>) -> Result<Self> {
        if roles.is_empty() || roles.len() > Self::MOST {
            return Err(Error::invalid(field, "must map between 1 and 100 roles"));
        }
        for (name, role) in &roles {
            let name = super::conversation::line(field, name, Self::MAX_CHARACTERS)?;
            if *role > MembershipRole::Admin {
                return Err(Error::invalid(
                    format!("{field}/{}", pointer(&name)),
                    "must be viewer, member or admin; a tenant's owners are made in the tenant",
                ));
            }
        }
        Ok(Self(roles))
    }

    /// The roles.
    pub const fn as_map(&self) -> &BTreeMap<String, MembershipRole> {
        &self.0
    }

    /// One as it was stored.
    pub(crate) fn from_stored(roles: BTreeMap<String, MembershipRole>) -> Self {
        Self(roles)
    }

    /// The highest role that one of the values is worth. `None` if none is worth anything.
    pub fn highest(&self, values: &[&str]) -> Option<MembershipRole> {
        let mapped = values
            .iter()
            .filter_map(|value| self.0.get(*value).copied());
        // Whatever a row says: nobody owns a tenant by what another issuer says.
        mapped.max().map(|role| role.min(MembershipRole::Admin))
    }
}

/// A name as a part of a JSON Pointer (RFC 6901).
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(claim: &str, claims: &Value) -> Vec<String> {
        let claim = RoleClaim::parse("/role_claim", claim).expect("a claim");
        let claims = claims.as_object().expect("an object");
        let values = claim.values(claims).into_iter();
        values.map(str::to_owned).collect()
    }

    #[test]
    fn a_role_stands_under_a_name_or_under_names_with_dots_between() {
        let claims = json!({
            "role": "staff",
            "groups": ["a", "b", 7, null],
            "realm_access": {"roles": ["x"]},
            "https://example.com/roles": ["y"],
            "a.b": "whole",
            "a": {"b": "inside", "c": {"d": "deep"}},
            "number": 7,
        });
        for (claim, expected) in [
            ("role", vec!["staff"]),
            ("groups", vec!["a", "b"]),
            ("realm_access.roles", vec!["x"]),
            ("https://example.com/roles", vec!["y"]),
            ("a.b", vec!["whole"]),
            ("a.c.d", vec!["deep"]),
            ("a.c", vec![]),
            ("a.c.d.e", vec![]),
            ("role.x", vec![]),
            ("groups.0", vec![]),
            ("number", vec![]),
            ("missing", vec![]),
            (".", vec![]),
        ] {
            assert_eq!(values(claim, &claims), expected, "{claim}");
        }
    }

    fn map(roles: Value) -> Result<RoleMap> {
        RoleMap::parse("/roles", serde_json::from_value(roles).expect("roles"))
    }

    #[test]
    fn the_highest_of_several_roles_counts_and_an_unknown_one_is_worth_nothing() {
        let roles = map(json!({"r": "viewer", "w": "member", "a": "admin"})).expect("roles");
        assert_eq!(
            roles.highest(&["r", "w", "?"]),
            Some(MembershipRole::Member)
        );
        assert_eq!(roles.highest(&["a", "r"]), Some(MembershipRole::Admin));
        assert_eq!(roles.highest(&["R", "admin", ""]), None);
        assert_eq!(roles.highest(&[]), None);
    }

    #[test]
    fn nobody_becomes_an_owner_from_outside() {
        let refused = map(json!({"a": "admin", "b/c~": "owner"}));
        let Err(Error::Invalid(errors)) = refused else {
            panic!("an owner is refused");
        };
        assert_eq!(errors[0].field, "/roles/b~1c~0");
        // Not even where a row says so.
        let stored = BTreeMap::from([("o".to_owned(), MembershipRole::Owner)]);
        let stored = RoleMap::from_stored(stored);
        assert_eq!(stored.highest(&["o"]), Some(MembershipRole::Admin));
    }

    #[test]
    fn the_roles_are_some_and_not_too_many() {
        assert!(map(json!({})).is_err());
        let many = |count: usize| (0..count).map(|role| (role.to_string(), json!("viewer")));
        assert!(map(Value::Object(many(100).collect())).is_ok());
        assert!(map(Value::Object(many(101).collect())).is_err());
        for name in ["", " ", "a\nb", &"x".repeat(201)] {
            assert!(map(json!({name: "viewer"})).is_err(), "{name:?}");
        }
    }
}
