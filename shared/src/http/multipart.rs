//! Forms with files (RFC 7578), as one whole.

use std::convert::Infallible;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::json::read_body;
use crate::error::{Error, Result};

/// How many parts a form may have: several times what any operation knows.
const MOST_PARTS: usize = 32;

/// A body of `multipart/form-data`: its parts, in their order.
#[derive(Debug, Clone)]
pub struct Form(pub Vec<FormPart>);

/// A part of a form.
#[derive(Debug, Clone)]
pub struct FormPart {
    /// Which field it is of.
    pub name: String,
    /// The name of the file, if it is one.
    pub file_name: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let boundary = form_boundary(&parts.headers).ok_or(Error::NotAForm)?;
        let bytes = read_body(&parts.headers, body).await?;
        let whole = futures_util::stream::once(async { Ok::<_, Infallible>(bytes) });
        let mut form = multer::Multipart::new(whole, boundary);
        let mut found = Vec::new();
        while let Some(part) = form.next_field().await.map_err(unreadable)? {
            if found.len() == MOST_PARTS {
                let text = format!("the form has more than {MOST_PARTS} parts");
                return Err(Error::Malformed(text));
            }
            let name = part.name().map(ToOwned::to_owned);
            let file_name = part.file_name().map(ToOwned::to_owned);
            found.push(FormPart {
                name: name.ok_or_else(|| unreadable("a part without a name"))?,
                file_name,
                bytes: part.bytes().await.map_err(unreadable)?,
            });
        }
        Ok(Self(found))
    }
}

/// What stands between the parts of a form. `None` for what is none.
pub(super) fn form_boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(value).ok()
}

/// The cause may quote what the client sent.
fn unreadable<T>(_: T) -> Error {
    Error::Malformed(
        "the body is not a form as RFC 7578 has it, or it broke off before its end".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::MAX_FORM_BYTES;

    async fn read(content_type: &'static str, body: Vec<u8>) -> Result<Form> {
        let mut request = Request::new(axum::body::Body::from(body));
        let value = http::HeaderValue::from_static(content_type);
        request.headers_mut().insert(CONTENT_TYPE, value);
        Form::from_request(request, &()).await
    }

    const FORM: &str = "multipart/form-data; boundary=cut";

    #[tokio::test]
    async fn a_form_is_its_parts_and_their_bytes_are_as_they_were_sent() {
        let mut body =
            b"--cut\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n\
              --cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
              Content-Type: application/octet-stream\r\n\r\n"
                .to_vec();
        let odd: Vec<u8> = (0..=255).chain(*b"\r\n--cu\r\n").collect();
        body.extend_from_slice(&odd);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        let Form(parts) = read(FORM, body).await.expect("a form");
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].name.as_str(), &*parts[0].bytes),
            ("purpose", &b"assistants"[..])
        );
        assert_eq!(parts[1].file_name.as_deref(), Some("a.bin"));
        assert_eq!(&*parts[1].bytes, odd);
    }

    #[tokio::test]
    async fn what_is_no_form_is_said_to_be_none() {
        let refused = read("application/json", b"{}".to_vec()).await;
        assert!(matches!(refused, Err(Error::NotAForm)), "{refused:?}");
        let refused = read("multipart/form-data", b"--cut--".to_vec()).await;
        assert!(matches!(refused, Err(Error::NotAForm)), "{refused:?}");
        for cut in [
            &b"--cut\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nwords"[..],
            b"--cut\r\n\r\nwords\r\n--cut--\r\n",
            b"words",
        ] {
            let refused = read(FORM, cut.to_vec()).await;
            assert!(matches!(refused, Err(Error::Malformed(_))), "{refused:?}");
        }
        let many = "--cut\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n".repeat(33);
        let refused = read(FORM, format!("{many}--cut--\r\n").into_bytes()).await;
        assert!(matches!(refused, Err(Error::Malformed(_))), "{refused:?}");
        let large = read(FORM, vec![b'x'; MAX_FORM_BYTES + 1]).await;
        assert!(matches!(large, Err(Error::TooLarge { .. })), "{large:?}");
    }
}
