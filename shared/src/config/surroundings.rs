//! What the process finds around it that is no setting of Chatter's.

/// Whether the environment names certificates that are to be trusted, or a proxy: then clients are those that libraries make of
/// it.
pub(crate) fn names_network() -> bool {
    let names = [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    names.iter().any(|name| find(name).is_some())
}

/// Whether the environment has the credentials of AWS, as Lambda's has.
pub(crate) fn names_credentials() -> bool {
    find("AWS_ACCESS_KEY_ID").is_some()
}

/// How many invocations Lambda sends to this process at the same time: what it says in `AWS_LAMBDA_MAX_CONCURRENCY` on
/// Managed Instances, and one everywhere else. The runtime reads the variable in the same way.
pub fn concurrent_invocations() -> u32 {
    let told = find("AWS_LAMBDA_MAX_CONCURRENCY");
    told.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

#[expect(clippy::disallowed_methods, reason = "this is the place that may")]
fn find(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
