import { hash } from '#hash'
import { HttpSigError } from '../error.js'
import { type ContentDigest, equalDigests, parseContentDigest, serializeContentDigest } from './content-digest.js'
import type { HashName } from './hash.js'

/** A body on its way, and what its digest turns out to be. */
export interface DigestedStream {
  /** The same bytes in the same chunks. */
  readonly body: ReadableStream<Uint8Array>
  /** The Content-Digest value, once the body has been read to its end; rejects when it fails or is cancelled. */
  readonly contentDigest: Promise<string>
}

/** What a body must pass, piece by piece, while somebody reads it. */
export interface BodyCheck {
  /** @throws when no such byte may come */
  update(chunk: Uint8Array): void
  /** Nothing more comes. @throws when it is not the body that it should be */
  end(): void
}

interface Watcher extends BodyCheck {
  failed(reason: unknown): void
}

/** Hands every chunk on, one at a time as it is asked for, so that nothing piles up. */
function watched(body: ReadableStream<Uint8Array>, watcher: Watcher): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) {
          // Before it is handed on: whoever gets the chunk may overwrite or transfer it.
          watcher.update(value)
          return controller.enqueue(value)
        }
        watcher.end()
        controller.close()
      } catch (error) {
        watcher.failed(error)
        controller.error(error)
        await reader.cancel(error).catch(() => undefined)
      }
    },
    cancel(reason) {
      watcher.failed(reason)
      return reader.cancel(reason)
    },
  }
  // Nothing is read before somebody asks: a source that has begun may queue all that comes.
  return new ReadableStream(source, { highWaterMark: 0 })
}

function digester(algorithms: readonly HashName[]): { update(chunk: Uint8Array): void; digest(): ContentDigest } {
  const hashes = algorithms.map(name => ({ name, state: hash(name) }))
  return {
    update(chunk) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a body is a stream of Uint8Array')
      for (const { state } of hashes) state.update(chunk)
    },
    digest: () =>
      Object.fromEntries(hashes.map(({ name, state }) => [name === 'sha-256' ? 'sha256' : 'sha512', state.digest()])),
  }
}

/**
 * Passes a body through and computes its digest on the way, in constant memory.
 *
 * Content-Digest is a header and stands before the body, so a sender must have the whole body before it can send the first byte:
 * read the stream to its end and keep it (then {@link writeContentDigest} does), or read it twice. This is for those who can do the latter,
 * and for receivers who want to know the digest of what came.
 * @param algorithms default sha-256
 * @see RFC 9530 §2
 */
export function digestStream(
  body: ReadableStream<Uint8Array>,
  algorithms: readonly HashName[] = ['sha-256'],
): DigestedStream {
  if (algorithms.length === 0) throw new TypeError('digestStream needs an algorithm')
  const state = digester(algorithms)
  const { promise, resolve, reject } = settleable<string>()
  const passed = watched(body, {
    update: state.update,
    end: () => resolve(serializeContentDigest(state.digest())),
    failed: reject,
  })
  return { body: passed, contentDigest: promise }
}

/** A promise settled from outside, which nobody has to look at. */
function settleable<T>(): { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void } {
  let settle: { resolve(value: T): void; reject(reason: unknown): void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, resolve: value => settle?.resolve(value), reject: reason => settle?.reject(reason) }
}

/**
 * The check that a body passes when every known digest of the Content-Digest value is its own.
 * @param value the Content-Digest field value, itself covered by a verified signature; several lines joined by `, `
 * @throws HttpSigError `invalid_signature`: at once when the value is malformed or knows neither sha-256 nor sha-512; from `end`
 * when the body is another
 * @see docs/protocol.md §3.4, RFC 9530 §2
 */
export function contentDigestCheck(value: string): BodyCheck {
  const expected = parseContentDigest(value)
  const state = digester([
    ...(expected.sha256 ? (['sha-256'] as const) : []),
    ...(expected.sha512 ? (['sha-512'] as const) : []),
  ])
  return {
    update: state.update,
    end() {
      if (!equalDigests(expected, state.digest()))
        throw new HttpSigError('invalid_signature', 'Content-Digest is not the digest of the body')
    },
  }
}

/**
 * Passes a body through a check, and fails it where the check does: at its end, for a digest.
 * Until then the bytes are unverified: act on them only once the stream has ended without an error.
 */
export function checkedStream(body: ReadableStream<Uint8Array>, check: BodyCheck): ReadableStream<Uint8Array> {
  return watched(body, { update: chunk => check.update(chunk), end: () => check.end(), failed: () => undefined })
}

/**
 * Passes a body through and fails it at its end unless it is the one that {@link contentDigestCheck} lets pass.
 * Until then the bytes are unverified: act on them only once the stream has ended without an error.
 * @throws HttpSigError as `contentDigestCheck`: at once, and as the stream's error
 */
export function checkContentDigest(value: string, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return checkedStream(body, contentDigestCheck(value))
}
