//! What models cost. Money is counted in whole millionths of a US dollar, so that sums are exact.

use serde::{Deserialize, Serialize};

use super::Usage;

/// Money in micro-dollars: millionths of a US dollar.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = u64, example = 1250)]
pub struct MicroDollars(pub u64);

impl MicroDollars {
    /// Both together; the largest amount there is where that is more.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// What a model costs: micro-dollars for a million tokens, which is what providers publish as dollars for a million
/// tokens, times a million.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Which price list this is; it stands on each run that was charged by it.
    #[schema(example = "2026-11-01", min_length = 1, max_length = 64)]
    pub version: String,
    /// Input that no cache had.
    #[schema(example = 2_500_000)]
    pub input: u64,
    /// Output.
    #[schema(example = 10_000_000)]
    pub output: u64,
    /// Input that the provider read from its cache; as `input` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<u64>,
    /// Input that the provider wrote to its cache; as `input` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Output that was reasoning; as `output` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Price {
    /// The highest price of a million tokens: a million dollars. With it, and as many tokens as a `u32` counts, no sum
    /// of this module overflows.
    pub const MOST: u64 = 1_000_000_000_000;

    /// What that usage costs, rounded up to a whole micro-dollar.
    pub fn of(&self, usage: &Usage) -> MicroDollars {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let written = usage.cache_write_tokens.min(usage.input_tokens - cached);
        let reasoning = usage.reasoning_tokens.min(usage.output_tokens);
        let parts = [
            (usage.input_tokens - cached - written, self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (written, self.cache_write.unwrap_or(self.input)),
            (usage.output_tokens - reasoning, self.output),
            (reasoning, self.reasoning.unwrap_or(self.output)),
        ];
        let millionths: u128 = parts
            .iter()
            .map(|(tokens, price)| u128::from(*tokens) * u128::from(*price))
            .sum();
        MicroDollars(u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// The most that so many tokens of input and output can cost, whatever the provider's cache does.
    pub fn at_most(&self, input_tokens: u64, output_tokens: u64) -> MicroDollars {
        let highest = |first: u64, others: [Option<u64>; 2]| {
            others.into_iter().flatten().fold(first, u64::max)
        };
        let input = highest(self.input, [self.cached_input, self.cache_write]);
        let output = highest(self.output, [self.reasoning, None]);
        let dearest = Self {
            version: String::new(),
            input,
            output,
            cached_input: None,
            cache_write: None,
            reasoning: None,
        };
        dearest.of(&Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        })
    }

    /// What is wrong with it: the field and the rule it breaks.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=64).contains(&self.version.len()) {
            return Some(("version", "must have 1 to 64 bytes"));
        }
        let prices = [
            ("input", Some(self.input)),
            ("output", Some(self.output)),
            ("cached_input", self.cached_input),
            ("cache_write", self.cache_write),
            ("reasoning", self.reasoning),
        ];
        let too_high = prices
            .into_iter()
            .find(|(_, price)| price.is_some_and(|price| price > Self::MOST));
        too_high.map(|(field, _)| {
            (
                field,
                "must be at most 1000000000000 micro-dollars for a million tokens",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price() -> Price {
        Price {
            version: "1".to_owned(),
            input: 3_000_000,
            output: 15_000_000,
            cached_input: Some(300_000),
            cache_write: Some(3_750_000),
            reasoning: None,
        }
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let usage = Usage {
            input_tokens: 1_000,
            cached_input_tokens: 600,
            cache_write_tokens: 100,
            output_tokens: 50,
            reasoning_tokens: 20,
        };
        // 300 × 3 + 600 × 0.3 + 100 × 3.75 + 50 × 15
        assert_eq!(price().of(&usage), MicroDollars(900 + 180 + 375 + 750));
        let dear = Price {
            reasoning: Some(20_000_000),
            ..price()
        };
        assert_eq!(dear.of(&usage), MicroDollars(900 + 180 + 375 + 450 + 400));
    }

    #[test]
    fn a_part_of_a_micro_dollar_is_a_whole_one() {
        let cheap = Price {
            input: 1,
            output: 0,
            ..price()
        };
        let usage = Usage {
            input_tokens: 1,
            ..Usage::default()
        };
        assert_eq!(cheap.of(&usage), MicroDollars(1));
        assert_eq!(cheap.of(&Usage::default()), MicroDollars(0));
    }

    #[test]
    fn a_price_out_of_bounds_is_told_with_its_field() {
        assert_eq!(price().fault(), None);
        let dear = Price {
            cache_write: Some(Price::MOST + 1),
            ..price()
        };
        assert_eq!(dear.fault().map(|(field, _)| field), Some("cache_write"));
        let dearest = Price {
            cache_write: Some(Price::MOST),
            ..price()
        };
        assert_eq!(dearest.fault(), None);
        let nameless = Price {
            version: String::new(),
            ..price()
        };
        assert_eq!(nameless.fault().map(|(field, _)| field), Some("version"));
    }

    #[test]
    fn the_most_is_all_of_it_at_the_highest_price_of_its_kind() {
        // 1,000 × 3.75 + 50 × 15
        assert_eq!(price().at_most(1_000, 50), MicroDollars(3_750 + 750));
        let thoughtful = Price {
            reasoning: Some(20_000_000),
            ..price()
        };
        assert_eq!(thoughtful.at_most(0, 50), MicroDollars(1_000));
        assert_eq!(
            MicroDollars(u64::MAX - 2).plus(MicroDollars(1)),
            MicroDollars(u64::MAX - 1)
        );
        assert_eq!(
            MicroDollars(2).plus(MicroDollars(u64::MAX)),
            MicroDollars(u64::MAX)
        );
    }

    proptest! {
        #[test]
        fn nothing_costs_more_than_was_foreseen(
            prices in prop::array::uniform5(0..=Price::MOST),
            set in prop::array::uniform3(any::<bool>()),
            tokens in prop::array::uniform5(any::<u32>()),
        ) {
            let optional = |place: usize| set[place].then_some(prices[place + 2]);
            let price = Price {
                version: "1".to_owned(),
                input: prices[0],
                output: prices[1],
                cached_input: optional(0),
                cache_write: optional(1),
                reasoning: optional(2),
            };
            let [input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens] =
                tokens.map(u64::from);
            let usage = Usage {
                input_tokens,
                cached_input_tokens,
                cache_write_tokens,
                output_tokens,
                reasoning_tokens,
            };
            prop_assert!(price.of(&usage) <= price.at_most(input_tokens, output_tokens));
        }
    }
}
