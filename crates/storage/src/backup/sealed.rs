//! Encryption with a passphrase: scrypt (RFC 7914) makes the key, XChaCha20-Poly1305 in the STREAM
//! construction (Hoang, Reyhanitabar, Rogaway, Vizar: "Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance", section 7) encrypts, so that a file of any size is read and
//! written piece by piece, and pieces that are missing, changed or in another order are noticed.
//!
//! ```text
//! "gantry-backup-1\n"  log2(N)  r  p   salt  verifier  nonce    pieces of 64 KiB and their tags
//!        16 bytes          1    1  1    16      16       19
//! ```
//!
//! The nonce of a piece is the file's, the number of the piece (4 bytes, big endian), and whether it
//! is the last (1 byte). The head is authenticated with every piece. The verifier tells a wrong
//! passphrase from a damaged file.

use std::io::{self, Read, Write};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use gantry_core::seal;
use scrypt::Params;
use subtle::ConstantTimeEq as _;

use super::Passphrase;

/// How an encrypted backup begins.
pub(super) const MAGIC: &[u8; 16] = b"gantry-backup-1\n";

const SALT: usize = 16;
const VERIFIER: usize = 16;
const NONCE: usize = 19;
const HEAD: usize = MAGIC.len() + 3 + SALT + VERIFIER + NONCE;
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

/// 64 MiB of memory and about a fifth of a second for each attempt (OWASP, "Password Storage Cheat
/// Sheet", section "scrypt").
pub(super) const COST: Cost = Cost { log_n: 16, r: 8, p: 2 };
/// What a file may ask for: 512 MiB.
const MOST_LOG_N: u8 = 19;
const MOST_R: u8 = 8;
const MOST_P: u8 = 16;

/// How dear an attempt is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    log_n: u8,
    r: u8,
    p: u8,
}

/// Why a stream was not begun.
#[derive(Debug)]
pub(super) enum SealedError {
    /// The head is none.
    Head,
    /// It is another passphrase.
    Wrong,
    /// The machine has no randomness, or the parameters make no sense.
    Failed(&'static str),
    Io(io::Error),
}

/// The key of a file and what all its pieces share.
struct Stream {
    cipher: XChaCha20Poly1305,
    head: [u8; HEAD],
    /// The number of the next piece.
    next: u32,
}

/// Encrypts what is written to it. [`Writer::finish`] writes the last piece.
pub(super) struct Writer<W> {
    inner: W,
    stream: Stream,
    piece: Vec<u8>,
}

/// Decrypts what it reads.
pub(super) struct Reader<R> {
    inner: R,
    stream: Stream,
    /// Read ahead, to know whether a piece is the last.
    ahead: Vec<u8>,
    piece: Vec<u8>,
    taken: usize,
    is_over: bool,
}

// === impl Stream ===

impl Stream {
    fn new(passphrase: &Passphrase, cost: Cost) -> Result<Self, SealedError> {
        let failed = |_| SealedError::Failed("the system gives no random numbers");
        let salt: [u8; SALT] = seal::random().map_err(failed)?;
        let nonce: [u8; NONCE] = seal::random().map_err(failed)?;
        let (cipher, verifier) = derive(passphrase, &salt, cost)?;
        let mut head = [0; HEAD];
        let cost = [cost.log_n, cost.r, cost.p];
        let parts: [&[u8]; 5] = [MAGIC, &cost, &salt, &verifier, &nonce];
        head.copy_from_slice(&parts.concat());
        Ok(Self { cipher, head, next: 0 })
    }

    fn open(head: [u8; HEAD], passphrase: &Passphrase) -> Result<Self, SealedError> {
        let rest = head.strip_prefix(MAGIC).ok_or(SealedError::Head)?;
        let (cost, rest) = rest.split_at(3);
        let (salt, rest) = rest.split_at(SALT);
        let (verifier, _) = rest.split_at(VERIFIER);
        let cost = Cost { log_n: cost[0], r: cost[1], p: cost[2] };
        if cost.log_n > MOST_LOG_N || cost.r > MOST_R || cost.p > MOST_P {
            return Err(SealedError::Head);
        }
        let (cipher, expected) = derive(passphrase, salt, cost)?;
        if bool::from(expected.ct_eq(verifier)) {
            Ok(Self { cipher, head, next: 0 })
        } else {
            Err(SealedError::Wrong)
        }
    }

    /// Returns the nonce of the next piece.
    fn nonce(&mut self, is_last: bool) -> io::Result<XNonce> {
        let mut nonce = [0; NONCE + 5];
        nonce[..NONCE].copy_from_slice(&self.head[HEAD - NONCE..]);
        nonce[NONCE..NONCE + 4].copy_from_slice(&self.next.to_be_bytes());
        nonce[NONCE + 4] = u8::from(is_last);
        let next = self.next.checked_add(1);
        self.next = next.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(XNonce::from(nonce))
    }

    fn encrypt(&mut self, piece: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
        let nonce = self.nonce(is_last)?;
        let payload = Payload { msg: piece, aad: &self.head };
        let sealed = self.cipher.encrypt(&nonce, payload);
        sealed.map_err(|_| io::Error::other("a piece cannot be encrypted"))
    }

    fn decrypt(&mut self, sealed: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
        let nonce = self.nonce(is_last)?;
        let payload = Payload { msg: sealed, aad: &self.head };
        let wrong =
            |_| io::Error::new(io::ErrorKind::InvalidData, "a piece was changed or is missing");
        self.cipher.decrypt(&nonce, payload).map_err(wrong)
    }
}

fn derive(
    passphrase: &Passphrase,
    salt: &[u8],
    cost: Cost,
) -> Result<(XChaCha20Poly1305, [u8; VERIFIER]), SealedError> {
    let parameters = Params::new(cost.log_n, u32::from(cost.r), u32::from(cost.p));
    let parameters = parameters.map_err(|_| SealedError::Head)?;
    let mut derived = [0; 32 + VERIFIER];
    scrypt::scrypt(passphrase.0.as_bytes(), salt, &parameters, &mut derived)
        .map_err(|_| SealedError::Failed("no key can be made of the passphrase"))?;
    let (key, verifier) = derived.split_at(32);
    let key = <[u8; 32]>::try_from(key).map_err(|_| SealedError::Head)?;
    let verifier = <[u8; VERIFIER]>::try_from(verifier).map_err(|_| SealedError::Head)?;
    Ok((XChaCha20Poly1305::new(&Key::from(key)), verifier))
}

// === impl Writer ===

impl<W: Write> Writer<W> {
    pub(super) fn new(
        mut inner: W,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<Self, SealedError> {
        let stream = Stream::new(passphrase, cost)?;
        inner.write_all(&stream.head).map_err(SealedError::Io)?;
        Ok(Self { inner, stream, piece: Vec::with_capacity(PIECE) })
    }

    /// Writes what is left as the last piece.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let last = self.stream.encrypt(&self.piece, true)?;
        self.inner.write_all(&last)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only when more comes is it known that a full piece is not the last.
        if self.piece.len() == PIECE && !bytes.is_empty() {
            let sealed = self.stream.encrypt(&self.piece, false)?;
            self.inner.write_all(&sealed)?;
            self.piece.clear();
        }
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend(bytes.iter().take(taken));
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

// === impl Reader ===

impl<R: Read> Reader<R> {
    /// Begins behind [`MAGIC`], which was read already.
    pub(super) fn new(mut inner: R, passphrase: &Passphrase) -> Result<Self, SealedError> {
        let mut head = [0; HEAD];
        head[..MAGIC.len()].copy_from_slice(MAGIC);
        inner.read_exact(&mut head[MAGIC.len()..]).map_err(|_| SealedError::Head)?;
        let stream = Stream::open(head, passphrase)?;
        let mut reader =
            Self { inner, stream, ahead: Vec::new(), piece: Vec::new(), taken: 0, is_over: false };
        reader.ahead = reader.sealed().map_err(SealedError::Io)?;
        Ok(reader)
    }

    fn sealed(&mut self) -> io::Result<Vec<u8>> {
        let mut sealed = Vec::with_capacity(PIECE + TAG);
        self.inner.by_ref().take((PIECE + TAG) as u64).read_to_end(&mut sealed)?;
        Ok(sealed)
    }

    fn advance(&mut self) -> io::Result<()> {
        let next = self.sealed()?;
        let sealed = std::mem::replace(&mut self.ahead, next);
        self.is_over = self.ahead.is_empty();
        self.piece = self.stream.decrypt(&sealed, self.is_over)?;
        self.taken = 0;
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() && !self.is_over {
            self.advance()?;
        }
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let taken = rest.len().min(to.len());
        to[..taken].copy_from_slice(&rest[..taken]);
        self.taken += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(length: usize) -> (Vec<u8>, Vec<u8>) {
        let plain: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let cheap = Cost { log_n: 4, r: 8, p: 1 };
        let mut writer = Writer::new(Vec::new(), &Passphrase::new("a good one"), cheap).unwrap();
        writer.write_all(&plain).unwrap();
        (plain, writer.finish().unwrap())
    }

    fn opened(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, String> {
        let rest = sealed.strip_prefix(MAGIC).ok_or("no magic")?;
        let reader = Reader::new(rest, &Passphrase::new(passphrase));
        let mut reader = reader.map_err(|error| format!("{error:?}"))?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).map_err(|error| error.to_string())?;
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let (plain, sealed) = sealed(length);
            assert!(opened(&sealed, "a good one").unwrap() == plain, "{length}");
        }
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_damage() {
        let (_, sealed) = sealed(10);
        assert_eq!(opened(&sealed, "another").unwrap_err(), "Wrong");
        for at in [HEAD, sealed.len() - 1, HEAD - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let error = opened(&changed, "a good one").unwrap_err();
            assert!(error.contains("was changed"), "{at}: {error}");
        }
    }

    #[test]
    fn pieces_that_are_missing_or_in_another_order_are_noticed() {
        let (_, sealed) = sealed(3 * PIECE);
        let piece = PIECE + TAG;
        let [first, second, third] =
            [0, 1, 2].map(|at| &sealed[HEAD + at * piece..HEAD + (at + 1) * piece]);
        let head = &sealed[..HEAD];
        for parts in [
            vec![head],
            vec![head, first],
            vec![head, first, second],
            vec![head, second, first, third],
            vec![head, first, third],
            vec![head, first, second, third, third],
            vec![head, first, second, &third[..100]],
        ] {
            assert!(opened(&parts.concat(), "a good one").is_err());
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_memory_is_refused() {
        let (_, mut sealed) = sealed(1);
        sealed[MAGIC.len()] = 40;
        assert_eq!(opened(&sealed, "a good one").unwrap_err(), "Head");
    }
}
