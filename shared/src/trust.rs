//! Whose certificates servers may show: built in, because reading and parsing all those of the system is half of what a start
//! takes, and every client of HTTP does it again. Where the environment names certificates or a proxy, that is followed.

use aws_config::SdkConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, HttpClientError};
use reqwest::Certificate;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::config::names_network;

/// Amazon's own roots.
const AMAZON: &str = include_str!("trust/amazon-roots.pem");

/// With one client for all of AWS, which trusts Amazon's roots alone.
///
/// It is left to the SDK, which trusts what the system trusts, where `own_network` says that the environment names
/// certificates or a proxy, and in China, whose endpoints are not Amazon's.
pub(crate) fn with_amazon(sdk: SdkConfig, own_network: bool) -> SdkConfig {
    let region = sdk.region().map_or("", |region| region.as_ref());
    if own_network || region.starts_with("cn-") {
        return sdk;
    }
    let Ok(tls) = amazon() else {
        return sdk;
    };
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let client = builder.tls_context(tls).build_https();
    sdk.into_builder().http_client(client).build()
}

/// A client of HTTP for everybody else's servers, which trusts the roots that Mozilla does.
pub fn client() -> reqwest::ClientBuilder {
    with_mozilla(names_network())
}

/// It can't be built if a root can't be parsed.
fn with_mozilla(own_network: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    if own_network {
        return builder;
    }
    let roots = TLS_SERVER_ROOT_CERTS.iter();
    builder.tls_certs_only(roots.filter_map(|root| Certificate::from_der(root).ok()))
}

fn amazon() -> Result<TlsContext, HttpClientError> {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON);
    TlsContext::builder().with_trust_store(roots).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_config::{BehaviorVersion, Region};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_roots_are_those_of_amazon_that_mozilla_trusts() {
        let texts = AMAZON.split("-----BEGIN CERTIFICATE-----").skip(1);
        let ours = texts.map(|text| {
            let text = text.split('-').next().unwrap_or_default().replace('\n', "");
            STANDARD.decode(text).expect("base64")
        });
        let ours: BTreeSet<Vec<u8>> = ours.collect();
        assert_eq!(ours.len(), 5);
        let names = [
            "Amazon Root CA ",
            "Starfield Services Root Certificate Authority",
        ];
        let is_amazon = |certificate: &[u8]| {
            names.iter().any(|name| {
                let mut parts = certificate.windows(name.len());
                parts.any(|part| part == name.as_bytes())
            })
        };
        let theirs = TLS_SERVER_ROOT_CERTS.iter();
        let theirs = theirs.filter(|one| is_amazon(one)).map(|one| one.to_vec());
        assert_eq!(ours, theirs.collect());
    }

    #[test]
    fn a_client_can_be_built_whether_or_not_the_environment_names_certificates() {
        assert!(TLS_SERVER_ROOT_CERTS.len() > 100);
        for own_network in [false, true] {
            let built = with_mozilla(own_network).build();
            built.expect("roots that can be parsed");
        }
    }

    #[tokio::test]
    async fn other_networks_are_left_to_the_sdk() {
        let sdk = async |region| {
            let loader = aws_config::defaults(BehaviorVersion::latest());
            loader
                .region(Region::new(region))
                .test_credentials()
                .load()
                .await
        };
        let own = async |region, own_network| {
            let sdk = with_amazon(sdk(region).await, own_network);
            sdk.http_client().is_some()
        };
        assert!(own("eu-central-1", false).await);
        assert!(!own("eu-central-1", true).await);
        assert!(!own("cn-north-1", false).await);
    }
}
