//! What streams are packed with.

use std::io::Read as _;

use weezl::{BitOrder, LzwStatus};

use super::lexer::{hex, is_blank};
use super::object::{Dict, Object};
use crate::failure::Result;
use crate::limits::Budget;

/// More filters than any program applies.
const MOST_FILTERS: usize = 4;

/// Unpacks the data of a stream, as far as it is sound. `None` if it is packed as images are, or in no known way. `filters`
/// and `parameters` are the entries of its dictionary, with references resolved.
pub(super) fn unpack(
    filters: &[Object],
    parameters: &[Object],
    data: &[u8],
    budget: &Budget<'_>,
) -> Result<Option<Vec<u8>>> {
    if filters.len() > MOST_FILTERS
        || filters
            .iter()
            .any(|filter| !filter.name().is_some_and(is_known))
    {
        return Ok(None);
    }
    let mut out = Output {
        bytes: data.to_vec(),
        packed: data.len(),
        budget,
    };
    budget.spend(data.len() / 8)?;
    let nothing = Dict::default();
    for (index, filter) in filters.iter().enumerate() {
        let parameters = match parameters.get(index) {
            Some(Object::Dict(dict)) => dict,
            _ => &nothing,
        };
        let input = std::mem::take(&mut out.bytes);
        match filter.name().unwrap_or_default() {
            b"FlateDecode" | b"Fl" => out.flate(&input)?,
            b"LZWDecode" | b"LZW" => {
                out.lzw(&input, parameters.get("EarlyChange").count() != Some(0))?
            }
            b"ASCIIHexDecode" | b"AHx" => out.ascii_hex(&input)?,
            b"ASCII85Decode" | b"A85" => out.ascii_85(&input)?,
            b"RunLengthDecode" | b"RL" => out.run_length(&input)?,
            _ => return Ok(None),
        }
        budget.inflate(data.len(), out.bytes.len())?;
        if parameters.has("Predictor") && !unpredict(&mut out.bytes, parameters) {
            return Ok(None);
        }
    }
    Ok(Some(out.bytes))
}

fn is_known(filter: &[u8]) -> bool {
    const KNOWN: [&[u8]; 10] = [
        b"FlateDecode",
        b"Fl",
        b"LZWDecode",
        b"LZW",
        b"ASCIIHexDecode",
        b"AHx",
        b"ASCII85Decode",
        b"A85",
        b"RunLengthDecode",
        b"RL",
    ];
    KNOWN.contains(&filter)
}

/// What comes out, which is counted while it comes.
struct Output<'a> {
    bytes: Vec<u8>,
    packed: usize,
    budget: &'a Budget<'a>,
}

impl Output<'_> {
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        self.budget.spend(bytes.len() / 8 + 1)?;
        self.budget.check_inflated(self.packed, self.bytes.len())
    }

    fn flate(&mut self, input: &[u8]) -> Result<()> {
        let mut decoder = flate2::read::ZlibDecoder::new(input);
        let mut buffer = [0; 16 << 10];
        // What comes before damage is used: a cut off stream still has most of its text.
        while let Ok(read @ 1..) = decoder.read(&mut buffer) {
            self.add(&buffer[..read])?;
        }
        Ok(())
    }

    fn lzw(&mut self, mut input: &[u8], early_change: bool) -> Result<()> {
        let mut decoder = if early_change {
            weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
        } else {
            weezl::decode::Decoder::new(BitOrder::Msb, 8)
        };
        let mut buffer = [0; 16 << 10];
        loop {
            let result = decoder.decode_bytes(input, &mut buffer);
            self.add(&buffer[..result.consumed_out])?;
            input = &input[result.consumed_in..];
            let stuck = result.consumed_in == 0 && result.consumed_out == 0;
            if stuck || !matches!(result.status, Ok(LzwStatus::Ok)) {
                return Ok(());
            }
        }
    }

    fn ascii_hex(&mut self, input: &[u8]) -> Result<()> {
        let mut digits = input
            .iter()
            .take_while(|byte| **byte != b'>')
            .filter_map(|digit| hex(*digit));
        let mut bytes = Vec::with_capacity(input.len() / 2);
        while let Some(high) = digits.next() {
            bytes.push(high << 4 | digits.next().unwrap_or(0));
        }
        self.add(&bytes)
    }

    fn ascii_85(&mut self, input: &[u8]) -> Result<()> {
        let mut bytes = Vec::with_capacity(input.len());
        let mut group: Vec<u8> = Vec::with_capacity(5);
        let body = input.strip_prefix(b"<~").unwrap_or(input);
        for &byte in body.iter().filter(|byte| !is_blank(**byte)) {
            match byte {
                b'z' if group.is_empty() => bytes.extend([0; 4]),
                b'!'..=b'u' => group.push(byte - b'!'),
                _ => break,
            }
            if group.len() == 5 {
                bytes.extend(base_85(&group));
                group.clear();
            }
        }
        if group.len() > 1 {
            let kept = group.len() - 1;
            group.resize(5, 84);
            bytes.extend(&base_85(&group)[..kept]);
        }
        self.add(&bytes)
    }

    fn run_length(&mut self, mut input: &[u8]) -> Result<()> {
        while let [length, rest @ ..] = input {
            let length = usize::from(*length);
            match length {
                0..128 => {
                    let (run, after) = rest.split_at(rest.len().min(length + 1));
                    self.add(run)?;
                    input = after;
                }
                128 => break,
                _ => {
                    let [byte, after @ ..] = rest else { break };
                    self.add(&[*byte; 128][..257 - length])?;
                    input = after;
                }
            }
        }
        Ok(())
    }
}

fn base_85(group: &[u8]) -> [u8; 4] {
    let value = group.iter().fold(0_u32, |sum, digit| {
        sum.wrapping_mul(85).wrapping_add(u32::from(*digit))
    });
    value.to_be_bytes()
}

/// Undoes what makes rows of numbers pack better. Says whether it could.
fn unpredict(bytes: &mut Vec<u8>, parameters: &Dict) -> bool {
    let parameter = |name: &str, default| parameters.get(name).count().unwrap_or(default);
    let predictor = parameter("Predictor", 1);
    let sample_bits = parameter("Colors", 1).saturating_mul(parameter("BitsPerComponent", 8));
    let row = sample_bits
        .saturating_mul(parameter("Columns", 1))
        .div_ceil(8);
    let step = sample_bits.div_ceil(8).max(1);
    match predictor {
        1 => true,
        _ if row == 0 || row > 1 << 20 => false,
        2 if parameter("BitsPerComponent", 8) == 8 => {
            for row in bytes.chunks_mut(row) {
                for at in step..row.len() {
                    row[at] = row[at].wrapping_add(row[at - step]);
                }
            }
            true
        }
        10..=15 => {
            *bytes = unpredict_png(bytes, row, step);
            true
        }
        _ => false,
    }
}

fn unpredict_png(bytes: &[u8], row: usize, step: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let Some((&kind, line)) = line.split_first() else {
            break;
        };
        let begin = out.len();
        for (at, &byte) in line.iter().enumerate() {
            let left = if at >= step {
                out[begin + at - step]
            } else {
                0
            };
            let up = if begin >= row {
                out[begin + at - row]
            } else {
                0
            };
            let corner = if begin >= row && at >= step {
                out[begin + at - row - step]
            } else {
                0
            };
            let guess = match kind {
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    out
}

/// The neighbour that is nearest to `left + up - corner`.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |byte: u8| (estimate - i16::from(byte)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}
