//! Whether a provider that failed may have done the work, and charges for it.

use std::fmt;

use shared::{BoxError, Error};

/// The cause of a failure after the provider had the whole request.
#[derive(Debug)]
struct Served(BoxError);

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Served {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// The same failure, of a call that the provider may have served.
pub(crate) fn served(error: Error) -> Error {
    match error {
        Error::Provider { fault, cause } if !cause.is::<Served>() => Error::Provider {
            fault,
            cause: Box::new(Served(cause)),
        },
        other => other,
    }
}

/// Whether what failed so may be charged: a call that was refused, or never reached the provider, is not.
pub(crate) fn may_be_charged(error: &Error) -> bool {
    matches!(error, Error::Provider { cause, .. } if cause.is::<Served>())
}

#[cfg(test)]
mod tests {
    use shared::error::ProviderFault;

    use super::*;

    #[test]
    fn it_says_the_same_and_that_it_may_be_charged() {
        let failed = Error::provider(ProviderFault::TimedOut, "silence");
        assert!(!may_be_charged(&failed));
        let failed = served(served(failed));
        assert!(may_be_charged(&failed));
        let Error::Provider { fault, cause } = failed else {
            panic!("another error");
        };
        assert_eq!(
            (fault, cause.to_string()),
            (ProviderFault::TimedOut, "silence".to_owned())
        );
        assert!(!may_be_charged(&served(Error::NotFound("model"))));
    }
}
