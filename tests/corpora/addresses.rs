//! The addresses in this folder that no tenant may name. The tests of the guard read them, which see each connection, and
//! those that go through routers.

use serde::Deserialize;

use super::{GuardFault, MAX_URL_BYTES};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    #[serde(rename = "source")]
    _source: String,
    url: String,
    fault: String,
    /// It leads to this machine, which a local stack reaches.
    #[serde(default)]
    pub(crate) loopback: bool,
    /// Where it leads is found out when it is fetched.
    #[serde(default)]
    pub(crate) name_only: bool,
}

impl Row {
    /// What is sent, where a listener of this machine has that port.
    pub(crate) fn url(&self, port: u16) -> String {
        let long = "x".repeat(MAX_URL_BYTES + 1 - "https://login.example.com/".len());
        let url = self.url.replace("{2,049 bytes}", &long);
        url.replace("{port}", &port.to_string())
    }

    /// What the guard says of it.
    pub(crate) fn fault(&self) -> GuardFault {
        match self.fault.as_str() {
            "not_a_url" => GuardFault::NotAUrl,
            "too_long" => GuardFault::TooLong,
            "not_https" => GuardFault::NotHttps,
            "has_user_info" => GuardFault::HasUserInfo,
            "port" => GuardFault::Port,
            "not_public" => GuardFault::NotPublic,
            "no_address" => GuardFault::NoAddress,
            other => panic!("{other} is no fault"),
        }
    }
}
