//! Text that is compressed once and joined often.
//!
//! A [`Piece`] is a stretch of text as deflate blocks that end on a byte and name nothing before them, with the checksum of the
//! text. So pieces made at different times can stand one after the other in one gzip body without being touched again. Two gzip
//! members one after the other would be simpler and as valid, but curl, browsers and others stop after the first.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// The head of a gzip body: deflate, no name, no time, unknown system.
const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty last block.
const LAST_BLOCK: &[u8] = &[0x03, 0x00];

/// How much room the compressor gets at a time.
const DEFLATED: usize = 32 * 1024;

/// How much text is inflated at a time for a client that does not take gzip.
const INFLATED: usize = 128 * 1024;

/// Deflated text. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    deflated: Bytes,
    crc: Arc<Crc>,
}

impl Piece {
    /// Deflates what `fill` writes.
    ///
    /// # Errors
    /// Those of `fill`; writing to memory does not fail.
    pub fn write(level: Compression, fill: impl FnOnce(&mut Deflater) -> io::Result<()>) -> io::Result<Self> {
        let mut deflater =
            Deflater { compress: Compress::new(level, false), crc: Crc::new(), deflated: Vec::new() };
        fill(&mut deflater)?;
        // A flush ends the blocks on a byte, without marking one as the last.
        deflater.flush()?;
        let Deflater { crc, mut deflated, .. } = deflater;
        deflated.shrink_to_fit();
        Ok(Self { deflated: deflated.into(), crc: Arc::new(crc) })
    }

    /// Deflates `text`.
    #[must_use]
    pub fn text(text: &[u8], level: Compression) -> Self {
        Self::write(level, |writer| writer.write_all(text)).expect("writing to memory does not fail")
    }

    /// The text again.
    pub fn inflate(&self) -> impl Read + use<> {
        DeflateDecoder::new(io::Cursor::new(self.deflated.clone()).chain(LAST_BLOCK))
    }
}

/// Deflates what is written to it. (The encoder of `flate2` loses the end of a flush that does not fit into its buffer.)
pub struct Deflater {
    compress: Compress,
    crc: Crc,
    deflated: Vec<u8>,
}

impl Deflater {
    /// Compresses until all of `text` is taken in and the compressor leaves room, which says that it has no more to give.
    fn run(&mut self, mut text: &[u8], flush: FlushCompress) -> io::Result<()> {
        self.crc.update(text);
        loop {
            self.deflated.reserve(DEFLATED);
            let before = self.compress.total_in();
            self.compress.compress_vec(text, &mut self.deflated, flush).map_err(io::Error::other)?;
            let taken = usize::try_from(self.compress.total_in() - before).map_err(io::Error::other)?;
            text = &text[taken..];
            if text.is_empty() && self.deflated.len() < self.deflated.capacity() {
                return Ok(());
            }
        }
    }
}

impl Write for Deflater {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.run(text, FlushCompress::None)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.run(&[], FlushCompress::Sync)
    }
}

/// One gzip body of all `pieces`, as the parts to send one after the other.
#[must_use]
pub fn gzip(pieces: &[Piece]) -> Vec<Bytes> {
    let mut crc = Crc::new();
    let mut body = vec![Bytes::from_static(HEAD)];
    for piece in pieces {
        crc.combine(&piece.crc);
        body.push(piece.deflated.clone());
    }
    let tail = [LAST_BLOCK, &crc.sum().to_le_bytes(), &crc.amount().to_le_bytes()].concat();
    body.push(tail.into());
    body
}

/// The text of all `pieces`, some of it at a time.
pub fn inflate(pieces: Vec<Piece>) -> impl Iterator<Item = io::Result<Bytes>> + Send {
    let mut readers = pieces.into_iter().map(|piece| piece.inflate());
    let mut reader = readers.next();
    std::iter::from_fn(move || {
        loop {
            let mut text = Vec::with_capacity(INFLATED);
            match reader.as_mut()?.take(INFLATED as u64).read_to_end(&mut text) {
                Ok(0) => reader = readers.next(),
                Ok(_) => return Some(Ok(text.into())),
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_one_gzip_member_of_all_their_text(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..5), level in 1_u32..9,
        ) {
            let pieces: Vec<Piece> = texts.iter().map(|text| Piece::text(text, Compression::new(level))).collect();
            let whole = texts.concat();

            let inflated: Vec<Bytes> = inflate(pieces.clone()).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(inflated.concat(), whole.clone());

            // `GzDecoder` reads one member and checks its checksum and length; nothing may be left behind it.
            let body = gzip(&pieces).concat();
            let mut decoder = GzDecoder::new(&body[..]);
            let mut read = Vec::new();
            decoder.read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, whole);
            prop_assert!(decoder.into_inner().is_empty());
        }
    }

    /// Text that hardly compresses, so that the compressor's own buffers fill up.
    fn long_text(length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        std::iter::repeat_with(|| random.alphanumeric() as u8).take(length).collect()
    }

    #[test]
    fn a_long_text_comes_back_whole_at_every_level_and_however_it_was_written() {
        for level in 1..=9 {
            for (length, write) in [(0, 1), (300_000, 1000), (1_000_003, 65_536), (1_000_003, 1_000_003)] {
                let text = long_text(length);
                let write_in_parts =
                    |out: &mut Deflater| text.chunks(write).try_for_each(|part| out.write_all(part));
                let piece = Piece::write(Compression::new(level), write_in_parts).unwrap();
                let parts: Vec<Bytes> = inflate(vec![piece]).collect::<Result<_, _>>().unwrap();
                assert!(parts.concat() == text, "level {level}, {length} bytes in parts of {write}");
                assert!(parts.iter().all(|part| part.len() <= INFLATED));
            }
        }
    }

    #[test]
    fn no_pieces_are_an_empty_gzip_body() {
        let body = gzip(&[Piece::default()]).concat();
        let mut read = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut read).unwrap();
        assert!(read.is_empty());
    }
}
