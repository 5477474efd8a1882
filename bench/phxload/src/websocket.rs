//! The client's side of RFC 6455: masked frames out, unmasked frames in.

/// A fixed nonce and the accept value that belongs to it, so that no SHA-1 is needed.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A longer frame from the server is an error of the server.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Appends one whole frame whose body is the parts one after the other.
pub fn put(out: &mut Vec<u8>, opcode: u8, mask: u32, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(0x80 | opcode);
    if length < 126 {
        out.push(0x80 | length as u8);
    } else if length < 65536 {
        out.push(0x80 | 126);
        out.extend_from_slice(&(length as u16).to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.extend_from_slice(&mask.to_ne_bytes());
    let body = out.len();
    for part in parts {
        out.extend_from_slice(part);
    }
    apply_mask(&mut out[body..], mask);
}

/// Eight bytes at a time: masking is the largest part of the client's own work.
fn apply_mask(bytes: &mut [u8], mask: u32) {
    let wide = u64::from(mask) << 32 | u64::from(mask);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let word = u64::from_ne_bytes((&*chunk).try_into().expect("a chunk has eight bytes"));
        chunk.copy_from_slice(&(word ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// Where a frame's body lies in the bytes it was read from; `end` is also the frame's end.
pub struct Frame {
    pub last: bool,
    pub opcode: u8,
    pub start: usize,
    pub end: usize,
}

/// The frame at the start of `bytes`; `Ok(None)` when more bytes are needed.
pub fn next(bytes: &[u8]) -> Result<Option<Frame>, &'static str> {
    if bytes.len() < 2 {
        return Ok(None);
    }
    if bytes[0] & 0x70 != 0 {
        return Err("the server set reserved bits of a frame");
    }
    if bytes[1] & 0x80 != 0 {
        return Err("the server masked a frame");
    }
    let (start, length) = match bytes[1] {
        126 => match bytes.get(2..4) {
            Some(field) => (4, u16::from_be_bytes(field.try_into().expect("two bytes")) as usize),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10) {
            Some(field) => (10, u64::from_be_bytes(field.try_into().expect("eight bytes")) as usize),
            None => return Ok(None),
        },
        short => (2, short as usize),
    };
    if length > FRAME_BYTES_MAX {
        return Err("the server sent a frame of more than 1 GiB");
    }
    if bytes.len() < start + length {
        return Ok(None);
    }
    Ok(Some(Frame { last: bytes[0] & 0x80 != 0, opcode: bytes[0] & 15, start, end: start + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_unmasks_to_its_parts() {
        for length in [0usize, 1, 7, 8, 9, 125, 126, 300, 70_000] {
            let body: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let (left, right) = body.split_at(length / 3);
            let mut out = vec![];
            put(&mut out, TEXT, 0x9a3b_1c5d, &[left, right]);
            assert_eq!(out[0], 0x81);
            let header = if length < 126 {
                2
            } else if length < 65536 {
                4
            } else {
                10
            };
            let mask: [u8; 4] = out[header..header + 4].try_into().unwrap();
            let got: Vec<u8> =
                out[header + 4..].iter().enumerate().map(|(i, byte)| byte ^ mask[i & 3]).collect();
            assert_eq!(got, body);
        }
    }

    #[test]
    fn a_frame_is_found_only_when_all_of_it_is_there() {
        let mut bytes = vec![0x81, 5];
        bytes.extend_from_slice(b"hello");
        assert!(next(&bytes[..6]).unwrap().is_none());
        let frame = next(&bytes).unwrap().unwrap();
        assert_eq!((&bytes[frame.start..frame.end], frame.last, frame.opcode), (&b"hello"[..], true, TEXT));
        assert!(next(&[0x81, 126, 1]).unwrap().is_none());
        assert!(next(&[0x81, 127, 0, 0, 0, 0, 0, 0, 0]).unwrap().is_none());
    }

    #[test]
    fn a_masked_or_endless_frame_of_the_server_is_refused() {
        assert!(next(&[0x81, 0x85, 0]).is_err());
        assert!(next(&[0xc1, 0]).is_err());
        assert!(next(&[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
