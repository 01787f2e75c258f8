import { type Algorithm, generateSigningKey } from '@countersign/httpsig'
import { expect, test } from 'vitest'
import { freshKey } from './fresh-key.js'

test('a key is Ed25519, ES256 when the platform lacks Ed25519, and an error when it has neither', async () => {
  expect((await freshKey(generateSigningKey)).algorithm).toBe('Ed25519')
  const only = (known: readonly Algorithm[]) => (algorithm: Algorithm) =>
    known.includes(algorithm) ? generateSigningKey(algorithm) : Promise.reject(new TypeError(`no ${algorithm} here`))
  expect((await freshKey(only(['ES256']))).algorithm).toBe('ES256')
  await expect(freshKey(only([]))).rejects.toThrow('no ES256 here')
})
