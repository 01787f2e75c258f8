import { hash } from '#hash'
import { refusal } from '../error.js'
import { type ContentDigest, equalDigests, parseContentDigest, serializeContentDigest } from './content-digest.js'
import type { HashName } from './hash.js'

/** A body that is being read, and its digest. */
export interface DigestedStream {
  /** The same bytes in the same chunks. */
  readonly body: ReadableStream<Uint8Array>
  /** The Content-Digest value, once the body has been read to its end; rejects when it fails or is cancelled. */
  readonly contentDigest: Promise<string>
}

/** A check of a body, chunk by chunk, while it is read. */
export interface BodyCheck {
  /** @throws when the chunk is refused */
  update(chunk: Uint8Array): void
  /** Called after the last chunk. @throws when the body is refused */
  end(): void
}

interface Watcher extends BodyCheck {
  failed(reason: unknown): void
}

/** Passes each chunk on when it is read, so that none are queued. */
function watchStream(body: ReadableStream<Uint8Array>, watcher: Watcher): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) {
          // Before it is passed on: the reader may overwrite or transfer the chunk.
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
  // Nothing is read before the stream is: a source that has begun may queue everything it receives.
  return new ReadableStream(source, { highWaterMark: 0 })
}

function createDigester(algorithms: readonly HashName[]): { update(chunk: Uint8Array): void; digest(): ContentDigest } {
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
 * Content-Digest is a header, so a sender must know the whole body before it sends the first byte: keep the body (then use
 * {@link writeContentDigest}), or read it twice. This function is for bodies that can be read twice, and for receivers that want
 * the digest of a body.
 * @param algorithms default sha-256
 * @see RFC 9530 §2
 */
export function digestStream(
  body: ReadableStream<Uint8Array>,
  algorithms: readonly HashName[] = ['sha-256'],
): DigestedStream {
  if (algorithms.length === 0) throw new TypeError('digestStream needs an algorithm')
  const state = createDigester(algorithms)
  const { promise, resolve, reject } = createDeferred<string>()
  const passed = watchStream(body, {
    update: state.update,
    end: () => resolve(serializeContentDigest(state.digest())),
    failed: reject,
  })
  return { body: passed, contentDigest: promise }
}

/** A promise with the functions that settle it. An unhandled rejection is ignored. */
function createDeferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void } {
  let settle: { resolve(value: T): void; reject(reason: unknown): void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, resolve: value => settle?.resolve(value), reject: reason => settle?.reject(reason) }
}

/**
 * A check that a body passes when every known digest in the Content-Digest value is its digest.
 * @param value the Content-Digest field value, itself covered by a verified signature; several lines joined by `, `
 * @throws HttpSigError `invalid_signature`: at once when the value is malformed or has neither sha-256 nor sha-512; from `end`
 * when the digest is not that of the body
 * @see protocol §3.4, RFC 9530 §2
 */
export function contentDigestCheck(value: string): BodyCheck {
  const expected = parseContentDigest(value)
  const state = createDigester([
    ...(expected.sha256 ? (['sha-256'] as const) : []),
    ...(expected.sha512 ? (['sha-512'] as const) : []),
  ])
  return {
    update: state.update,
    end() {
      if (!equalDigests(expected, state.digest())) throw refusal('digest_wrong')
    },
  }
}

/**
 * Passes a body through a check and fails the stream when the check fails: for a digest, at the end.
 * The bytes are unverified until the stream has ended without an error: do not act on them before.
 */
// unchecked options check: the package itself makes them
export function checkedStream(body: ReadableStream<Uint8Array>, check: BodyCheck): ReadableStream<Uint8Array> {
  return watchStream(body, { update: chunk => check.update(chunk), end: () => check.end(), failed: () => undefined })
}

/**
 * Passes a body through and fails the stream at its end when the digest is not that of the body.
 * The bytes are unverified until the stream has ended without an error: do not act on them before.
 * @throws HttpSigError `invalid_signature`: at once when the value is malformed or has neither sha-256 nor sha-512; as the stream's
 * error when the body is another one
 */
export function checkContentDigest(value: string, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return checkedStream(body, contentDigestCheck(value))
}
