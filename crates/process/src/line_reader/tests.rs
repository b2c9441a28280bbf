//! Lines out of chunks of any size.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt as _, ReadBuf};

use super::*;

/// Hands out the given chunks one read at a time, each split where the reader's room ends.
struct Chunks(Vec<Vec<u8>>);

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(chunk) = self.0.first_mut() {
            let n_taken = chunk.len().min(out.remaining());
            out.put_slice(&chunk[..n_taken]);
            chunk.drain(..n_taken);
            if chunk.is_empty() {
                self.0.remove(0);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What a reader makes of `chunks`: lines, and for each line that is too long its length.
async fn read_all(chunks: Vec<Vec<u8>>, max_line: usize) -> Vec<Result<Vec<u8>, u64>> {
    let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
    let mut reader = LineReader::new(Chunks(chunks), max_line);
    let mut lines = Vec::new();
    loop {
        match reader.next().await {
            Ok(Some(line)) => lines.push(Ok(line.to_vec())),
            Ok(None) => return lines,
            Err(LineError::TooLong { length, limit, .. }) => {
                assert_eq!(limit, max_line);
                lines.push(Err(length));
            }
            Err(LineError::Io { source }) => panic!("{source}"),
        }
    }
}

#[tokio::test]
async fn line_ends_are_removed_and_the_last_line_may_lack_one() {
    let lines = read_all(vec![b"a\r\nb\n\n".to_vec(), b"\r\nc".to_vec(), b"d".to_vec()], 10).await;
    let expected: Vec<Result<Vec<u8>, u64>> =
        [&b"a"[..], b"b", b"", b"", b"cd"].iter().map(|line| Ok(line.to_vec())).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_line_at_the_limit_passes_and_one_above_it_is_skipped() {
    let lines =
        read_all(vec![b"123\n1234\r\n12345\n123456\r".to_vec(), b"\n1\n".to_vec()], 4).await;
    assert_eq!(
        lines,
        [Ok(b"123".to_vec()), Ok(b"1234".to_vec()), Err(5), Err(7), Ok(b"1".to_vec())].to_vec(),
    );
}

#[tokio::test]
async fn both_ends_of_a_line_that_is_skipped_are_kept() {
    for chunk in [7, 1000, 100_000] {
        let line = [&b"begin"[..], &vec![b'x'; 50_000], b"end\r"].concat();
        let chunks = line.chunks(chunk).map(<[u8]>::to_vec).chain([b"\nnext\n".to_vec()]);
        let mut reader = LineReader::new(Chunks(chunks.collect()), 1_000);
        let Err(LineError::TooLong { head, tail, length, .. }) = reader.next().await else {
            panic!("it is too long");
        };
        assert_eq!((head.len(), tail.len(), length), (EDGE, EDGE, 50_009), "{chunk}");
        assert!(head.starts_with(b"beginxxx") && tail.ends_with(b"xxxend\r"), "{chunk}");
        assert_eq!(reader.next().await.unwrap().unwrap(), "next");
    }
    let mut short = LineReader::new(&b"12345\n"[..], 3);
    let error = short.next().await.unwrap_err();
    assert!(
        matches!(error, LineError::TooLong { head, tail, .. } if head == tail && head == "12345")
    );
}

#[tokio::test]
async fn a_line_that_never_ends_uses_no_memory() {
    let mut reader = LineReader::new(tokio::io::repeat(b'x').take(50_000_000), 1_000);
    assert!(matches!(reader.next().await, Err(LineError::TooLong { length: 50_000_000, .. })));
    assert!(reader.buffer.capacity() <= 4 * CHUNK_MAX);
    assert!(matches!(reader.next().await, Ok(None)));
}

#[tokio::test]
async fn invalid_utf_8_passes_through() {
    assert_eq!(read_all(vec![b"\xff\xfe\0\n".to_vec()], 10).await, [Ok(b"\xff\xfe\0".to_vec())]);
}

#[tokio::test]
async fn a_cancelled_read_loses_nothing() {
    let (mut writer, source) = tokio::io::duplex(64);
    let mut reader = LineReader::new(source, 100);
    writer.write_all(b"begun ").await.unwrap();
    for _ in 0..3 {
        tokio::select! {
            biased;
            line = reader.next() => panic!("no line has ended yet: {line:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    writer.write_all(b"and ended\n").await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), "begun and ended");
}

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(
        bytes in prop::collection::vec(prop::sample::select(b"ab\r\n".to_vec()), 0..200),
        sizes in prop::collection::vec(1_usize..9, 1..50),
        max_line in 0_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut chunks = Vec::new();
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, behind) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = behind;
        }
        let whole: Vec<Result<Vec<u8>, u64>> = runtime.block_on(read_all(vec![bytes.clone()], max_line));
        let chunked = runtime.block_on(read_all(chunks, max_line));
        prop_assert_eq!(&chunked, &whole);

        let mut expected: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if expected.last().is_some_and(Vec::is_empty) { expected.pop(); }
        for (line, result) in expected.iter().zip(&whole) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match result {
                Ok(read) => prop_assert_eq!(&read[..], line),
                Err(_) => prop_assert!(line.len() > max_line),
            }
        }
        prop_assert_eq!(expected.len(), whole.len());
    }
}
