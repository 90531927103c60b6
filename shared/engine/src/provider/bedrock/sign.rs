//! Signatures of AWS (SigV4) with the credentials of the process.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use shared::clock::{Clock, Moment};
use shared::error::ProviderFault;
use shared::{Error, Result};

/// The service that both endpoints of Amazon Bedrock are signed for.
const SERVICE: &str = "bedrock";

/// Signs requests.
#[derive(Debug, Clone)]
pub(in super::super) struct Signer {
    sdk: SdkConfig,
    clock: Clock,
}

impl Signer {
    pub(in super::super) fn new(sdk: SdkConfig, clock: Clock) -> Self {
        Self { sdk, clock }
    }

    /// Adds the signature. In Lambda the credentials stand in the environment, so that asking for them anew costs
    /// nothing.
    pub(in super::super) async fn sign(&self, request: &mut reqwest::Request) -> Result<()> {
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| unsigned("the process has no AWS credentials"))?;
        let credentials = provider.provide_credentials().await.map_err(|error| {
            let fault = match error {
                CredentialsError::CredentialsNotLoaded(_)
                | CredentialsError::InvalidConfiguration(_) => ProviderFault::Unauthorized,
                _ => ProviderFault::Unavailable,
            };
            Error::provider(fault, error)
        })?;
        let region = self.sdk.region().map(AsRef::as_ref);
        let host = request.url().host_str().unwrap_or_default();
        let region = region_of(host).or(region);
        let region =
            region.ok_or_else(|| unsigned("neither the host nor AWS_REGION has a region"))?;
        let region = region.to_owned();
        for (name, value) in headers(request, credentials, &region, self.clock.now())? {
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}

fn unsigned(why: &'static str) -> Error {
    Error::provider(ProviderFault::Unauthorized, why)
}

/// The region of a host such as `bedrock-runtime.eu-central-1.amazonaws.com`. `None` for any other host.
fn region_of(host: &str) -> Option<&str> {
    let mut labels = host.split('.');
    labels.find(|label| {
        matches!(
            *label,
            "bedrock" | "bedrock-fips" | "bedrock-runtime" | "bedrock-runtime-fips"
        )
    })?;
    labels.next()
}

fn headers(
    request: &reqwest::Request,
    credentials: Credentials,
    region: &str,
    now: Moment,
) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let identity = credentials.into();
    let seconds = u64::try_from(now.unix_seconds()).map_err(Error::internal)?;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .settings(SigningSettings::default())
        .build()
        .map_err(Error::internal)?
        .into();
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let signed = content_type.map(|value| (CONTENT_TYPE.as_str(), value));
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        signed.into_iter(),
        SignableBody::Bytes(body.unwrap_or_default()),
    );
    let signature = sign(signable.map_err(Error::internal)?, &params).map_err(Error::internal)?;
    let (instructions, _) = signature.into_parts();
    let header = |(name, value): (&str, &str)| {
        let name = HeaderName::try_from(name).map_err(Error::internal)?;
        let mut value = HeaderValue::try_from(value).map_err(Error::internal)?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    instructions.headers().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_hosts() {
        for (host, region) in [
            (
                "bedrock-runtime.eu-central-1.amazonaws.com",
                Some("eu-central-1"),
            ),
            (
                "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
                Some("us-gov-west-1"),
            ),
            (
                "vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com",
                Some("us-east-1"),
            ),
            ("bedrock.us-east-1.amazonaws.com", Some("us-east-1")),
            ("127.0.0.1", None),
            ("example.com", None),
        ] {
            assert_eq!(region_of(host), region, "{host}");
        }
    }

    #[test]
    fn a_signature_covers_address_body_and_time() {
        let sign = |url: &str, body: &str, seconds: i64| {
            let url = reqwest::Url::parse(url).expect("a URL");
            let mut request = reqwest::Request::new(http::Method::POST, url);
            *request.body_mut() = Some(body.to_owned().into());
            let credentials =
                Credentials::new("AKID", "secret", Some("token".into()), None, "test");
            let now = Moment::from_unix_seconds(seconds);
            let headers = headers(&request, credentials, "us-east-1", now).expect("headers");
            let text = |(name, value): (HeaderName, HeaderValue)| {
                (name.to_string(), value.to_str().expect("text").to_owned())
            };
            std::collections::BTreeMap::from_iter(headers.into_iter().map(text))
        };
        let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b%3A0/converse-stream";
        let first = sign(url, "{}", 1_700_000_000);
        assert_eq!(first["x-amz-date"], "20231114T221320Z");
        assert_eq!(first["x-amz-security-token"], "token");
        let begins = "AWS4-HMAC-SHA256 Credential=AKID/20231114/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
        assert!(first["authorization"].starts_with(begins), "{first:?}");
        let other_model = sign(&url.replace("a.b", "a.c"), "{}", 1_700_000_000);
        let other_body = sign(url, "{ }", 1_700_000_000);
        let other_time = sign(url, "{}", 1_700_000_001);
        for other in [other_model, other_body, other_time] {
            assert_ne!(other["authorization"], first["authorization"]);
        }
    }
}
