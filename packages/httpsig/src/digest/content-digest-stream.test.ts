import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { checkContentDigest, digestStream, HttpSigError, writeContentDigest } from '../index.js'
import type { Hash, HashName } from './hash.js'
import * as nodeHash from './hash-node.js'
import * as webHash from './hash-web.js'

// RFC 9530 appendix B.1, and appendix D (sha-512).
const hello = new TextEncoder().encode('{"hello": "world"}\n')
const sha256 = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'
const sha512 = 'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:'
const wrong512 = sha512.replace('YMAa', 'YMAb')

function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

// Not by way of a Response: browsers put an error of their own in the place of the stream's.
async function read(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const bytes: number[] = []
  for (const reader = body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return Uint8Array.from(bytes)
    bytes.push(...value)
  }
}

const inPieces = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  streamOf(bytes.slice(0, 1), bytes.slice(1, 1), bytes.slice(1, 7), bytes.slice(7))

test(
  verifies('sig.digest.match', 'sig.digest.algorithms', 'a stream ends well only when every known digest is its own'),
  async () => {
    for (const value of [sha256, sha512, `${sha256}, ${sha512}`, `foo=:AA==:, ${sha512}`])
      expect(await read(checkContentDigest(value, inPieces(hello))), value).toEqual(hello)
    for (const [value, body] of [
      [sha256, hello.slice(1)],
      [sha512, hello.slice(1)],
      [`${sha256}, ${wrong512}`, hello],
      [`${wrong512}, ${sha256}`, hello],
      [sha256, new Uint8Array()],
    ] as const)
      await expect(read(checkContentDigest(value, inPieces(body))), value).rejects.toThrow(
        expect.objectContaining({ name: 'HttpSigError', code: 'invalid_signature', status: 401 }),
      )
  },
)

test('a value without a known digest is refused before the body is read', () => {
  for (const value of ['', 'md5=:AA==:', 'sha-256=:AA==:', `${sha256}, ${sha256}`]) {
    const body = streamOf(hello)
    expect(() => checkContentDigest(value, body), value).toThrow(HttpSigError)
    expect(body.locked).toBe(false)
  }
})

test('bytes pass when they arrive, and the stream fails at its end', async () => {
  const reader = checkContentDigest(wrong512, inPieces(hello)).getReader()
  let passed = 0
  await expect(
    (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) passed += next.value.length
    })(),
  ).rejects.toMatchObject({ reason: 'digest_wrong' })
  expect(passed).toBe(hello.length)
})

test('an error of the source is passed on, and cancelling reaches the source', async () => {
  const torn = new Error('torn')
  const failing = new ReadableStream<Uint8Array>({ pull: controller => controller.error(torn) })
  await expect(read(checkContentDigest(sha256, failing))).rejects.toBe(torn)
  let reason: unknown
  const endless = new ReadableStream<Uint8Array>({
    pull: controller => controller.enqueue(hello),
    cancel: given => {
      reason = given
    },
  })
  await checkContentDigest(sha256, endless).cancel('enough')
  expect(reason).toBe('enough')
})

test('a stream of anything but bytes fails', async () => {
  const text = new ReadableStream({
    start(controller) {
      controller.enqueue('{"hello": "world"}\n')
      controller.close()
    },
  })
  await expect(read(checkContentDigest(sha256, text))).rejects.toThrow(TypeError)
})

describe('the digest of a stream', () => {
  test('is that of its bytes', async () => {
    for (const [algorithms, value] of [
      [['sha-256'], sha256],
      [['sha-512'], sha512],
      [['sha-256', 'sha-512'], `${sha256}, ${sha512}`],
    ] as const) {
      const { body, contentDigest } = digestStream(inPieces(hello), algorithms)
      expect(await read(body)).toEqual(hello)
      expect(await contentDigest).toBe(value)
      expect(await writeContentDigest(hello, algorithms)).toBe(value)
    }
    expect(() => digestStream(streamOf(hello), [])).toThrow(TypeError)
    await expect(writeContentDigest(hello, [])).rejects.toThrow(TypeError)
  })

  test('rejects when the body does not end', async () => {
    const { body, contentDigest } = digestStream(inPieces(hello))
    await body.cancel('enough')
    await expect(contentDigest).rejects.toBe('enough')
  })
})

test.each([
  ['node', nodeHash.hash],
  ['portable', webHash.hash],
] as Array<[string, (name: HashName) => Hash]>)('%s: hashes in pieces agree with WebCrypto', async (_, hash) => {
  const bytes = Uint8Array.from({ length: 1031 }, (_, i) => (i * 131) % 251)
  for (const [name, subtle] of [
    ['sha-256', 'SHA-256'],
    ['sha-512', 'SHA-512'],
  ] as const)
    for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1031]) {
      const state = hash(name)
      for (let at = 0; at < length; at += 61) state.update(bytes.subarray(at, Math.min(at + 61, length)))
      const whole = new Uint8Array(await globalThis.crypto.subtle.digest(subtle, bytes.slice(0, length)))
      expect(Uint8Array.from(state.digest()), `${name} of ${length}`).toEqual(whole)
    }
})
