//! Passes over JSON once and accepts exactly what `serde_json` accepts when it skips a value
//! (RFC 8259; lone surrogates in escapes are the affair of whoever decodes the string).
//!
//! Nothing is decoded. Skipping a value does not recurse: what is open is kept as one bit a level.
//! What was wrong is not said here: see `Object::read`, which asks `serde_json`.

use smallvec::SmallVec;

/// How much of a string is looked at in one step where it is long; a size that compilers turn into
/// vector instructions.
const WIDE: usize = 32;
const WORD: usize = size_of::<u64>();
/// Words of a string that are looked at before the wide steps: most keys and values end within them.
const SHORT: usize = 8;

/// A place in some bytes, and what was seen on the way there.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether every byte so far was ASCII; if one was not, it is for the caller to check UTF-8.
    /// May be false without reason.
    is_ascii: bool,
}

/// The arrays and objects that are open, one bit each: set for an object.
#[derive(Debug, Default)]
struct Nesting {
    bits: SmallVec<[u64; 2]>,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, is_ascii: true }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns a piece that was passed.
    pub(super) fn since(&self, start: usize, end: usize) -> &'a [u8] {
        &self.bytes[start..end]
    }

    /// Tells whether what was passed is UTF-8. Outside strings only ASCII is accepted anyhow.
    pub(super) fn is_utf8(&self, start: usize) -> bool {
        self.is_ascii || std::str::from_utf8(&self.bytes[start..self.at]).is_ok()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Passes white space.
    pub(super) fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes this byte, if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    /// Passes this byte; `None` if another one comes.
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Passes a key, from its first quote to the first byte of the value. Returns where the key
    /// ends, its quotes included.
    pub(super) fn key(&mut self) -> Option<usize> {
        self.expect(b'"')?;
        self.string()?;
        let end = self.at;
        self.white();
        self.expect(b':')?;
        self.white();
        Some(end)
    }

    /// Passes a value, from its first byte to its last; `None` if it is not well-formed.
    pub(super) fn value(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            match self.next()? {
                b'"' => self.string()?,
                b'-' => {
                    let digit = self.next()?;
                    self.number(digit)?;
                }
                digit @ b'0'..=b'9' => self.number(digit)?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                b'{' => {
                    self.white();
                    if !self.take(b'}') {
                        open.push(true);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.white();
                    if !self.take(b']') {
                        open.push(false);
                        continue;
                    }
                }
                _ => return None,
            }
            if !self.after_value(&mut open)? {
                return Some(());
            }
        }
    }

    /// Closes what ends after a value. Returns whether another value comes.
    fn after_value(&mut self, open: &mut Nesting) -> Option<bool> {
        while let Some(is_object) = open.top() {
            self.white();
            match self.next()? {
                b',' => {
                    self.white();
                    if is_object {
                        self.key()?;
                    }
                    return Some(true);
                }
                b'}' if is_object => open.pop(),
                b']' if !is_object => open.pop(),
                _ => return None,
            }
        }
        Some(false)
    }

    /// Passes the rest of a string, its closing quote included.
    fn string(&mut self) -> Option<()> {
        loop {
            self.plain();
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                byte => self.is_ascii &= byte.is_ascii(),
            }
        }
    }

    /// Passes a string that stands as it is, without escapes, and returns where the text in its quotes ends.
    pub(super) fn plain_string(&mut self) -> Option<usize> {
        self.expect(b'"')?;
        loop {
            self.plain();
            let end = self.at;
            match self.next()? {
                b'"' => return Some(end),
                b'\\' | 0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Passes bytes of a string that need no second look. Stops before a quote, a backslash or a
    /// control character, or where too few bytes are left.
    fn plain(&mut self) {
        // Most strings are short, and wide steps are dear to begin.
        if !self.words(SHORT) {
            self.wide_steps();
            self.words(usize::MAX);
        }
    }

    /// Passes whole words, so many at most. Returns whether it stopped before something.
    fn words(&mut self, most: usize) -> bool {
        for chunk in self.bytes[self.at..].chunks_exact(WORD).take(most) {
            let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
            // What stands behind the end of the string is seen as well, which does no harm.
            self.is_ascii &= word & HIGH == 0;
            let ends = ends(word);
            if ends != 0 {
                self.at += (ends.trailing_zeros() / 8) as usize;
                return true;
            }
            self.at += WORD;
        }
        false
    }

    /// Passes as much as wide steps can.
    fn wide_steps(&mut self) {
        let mut seen = 0_u8;
        let mut passed = 0;
        for chunk in self.bytes[self.at..].chunks_exact(WIDE) {
            let mut all = 0_u8;
            let mut ends = 0;
            for &byte in chunk {
                ends |= u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20);
                all |= byte;
            }
            if ends != 0 {
                break;
            }
            seen |= all;
            passed += WIDE;
        }
        self.is_ascii &= seen.is_ascii();
        self.at += passed;
    }

    /// Passes an escape behind its backslash.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    /// Passes the rest of a number behind its first digit.
    fn number(&mut self, digit: u8) -> Option<()> {
        match digit {
            b'0' if self.peek().is_some_and(|next| next.is_ascii_digit()) => return None,
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return None,
        }
        if self.take(b'.') && self.digits() == 0 {
            return None;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }

    /// Passes digits and returns how many there were.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        let comes = self.bytes[self.at..].starts_with(rest);
        self.at += rest.len();
        comes.then_some(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

const LOW: u64 = u64::from_ne_bytes([0x01; WORD]);
const HIGH: u64 = u64::from_ne_bytes([0x80; WORD]);

/// Marks the bytes that may end a run of plain ones. The lowest mark is exact; a mark above
/// another one may be wrong.
fn ends(word: u64) -> u64 {
    let less = |word: u64, than: u8| word.wrapping_sub(LOW * u64::from(than)) & !word;
    let equal = |byte: u8| less(word ^ (LOW * u64::from(byte)), 1);
    (less(word, 0x20) | equal(b'"') | equal(b'\\')) & HIGH
}

/// Tells whether nothing in it ends a run of plain bytes.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks::<WIDE>();
    if chunks.iter().any(has_end) {
        return false;
    }
    // The last ones once more, together with some before them, if there are any.
    if let Some(last) = text.last_chunk::<WIDE>() {
        return rest.is_empty() || !has_end(last);
    }
    let mut short = [b' '; WIDE];
    short[..rest.len()].copy_from_slice(rest);
    !has_end(&short)
}

/// Tells whether a byte among these ends a run of plain ones.
fn has_end(bytes: &[u8; WIDE]) -> bool {
    let mut ends = 0;
    for &byte in bytes {
        ends |= u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20);
    }
    ends != 0
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        let (at, bit) = (self.depth / 64, self.depth % 64);
        if at == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[at] = (self.bits[at] & !(1 << bit)) | (u64::from(is_object) << bit);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }

    /// Returns whether the innermost is an object; `None` when nothing is open.
    fn top(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.bits[last / 64] >> (last % 64) & 1 == 1)
    }
}
