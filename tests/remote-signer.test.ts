import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { importVerifyKey, openSignature, type ReceivedMessage, verifySignature } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

const run = promisify(execFile)
const options = { authorities: ['calendar.example'], scheme: 'https' } as const

test.each(['Ed25519', 'ES256', 'ES384', 'PS512'])(
  verifies('sig.alg.supported', 'sig.alg.optional', 'a key in another process signs with %s what verifies here'),
  async algorithm => {
    const { stdout } = await run(process.execPath, [join(root, 'examples/remote-signer/sign-request.mjs'), algorithm])
    const { body, ...rest } = JSON.parse(stdout)
    const message: ReceivedMessage = { ...rest, body: new TextEncoder().encode(body) }
    const opened = openSignature(message, options)
    if (opened.signatureKey.scheme !== 'hwk') throw new Error('not inline')
    expect(opened.signatureKey.jwk.alg).toBe(algorithm)
    const key = await importVerifyKey(opened.signatureKey.jwk)
    await expect(verifySignature(opened, key)).resolves.toBeUndefined()
    const other = openSignature({ ...message, target: '/events?notify=2' }, options)
    await expect(verifySignature(other, key)).rejects.toMatchObject({ code: 'invalid_signature' })
  },
)
