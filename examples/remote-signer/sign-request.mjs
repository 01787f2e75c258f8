// Signs a request with a key that is in another process, verifies it, and prints it.
// usage: node sign-request.mjs [Ed25519|ES256|ES384|PS512]
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importVerifyKey, openSignature, signRequest, verifySignature } from '@countersign/httpsig'
import { remoteSigningKey } from './remote-signing-key.mjs'

const [algorithm = 'Ed25519'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'signer-'))
const socketPath = join(folder, 'signer.sock')
const signer = spawn(process.execPath, [fileURLToPath(new URL('signer.mjs', import.meta.url)), socketPath, algorithm], {
  stdio: ['ignore', 'pipe', 'inherit'],
})

try {
  await Promise.race([
    once(signer.stdout, 'data'),
    once(signer, 'exit').then(() => {
      throw new Error('the signer did not start')
    }),
  ])
  const key = await remoteSigningKey(socketPath)

  const body = new TextEncoder().encode('{"title":"lunch"}')
  const request = {
    method: 'POST',
    url: 'https://calendar.example/events?notify=1',
    headers: [['content-type', 'application/json']],
    body,
    key,
    signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
  }
  const signed = await signRequest(request)
  const message = { method: 'POST', target: '/events?notify=1', headers: [...request.headers, ...signed], body }

  const opened = openSignature(message, { authorities: ['calendar.example'], scheme: 'https' })
  await verifySignature(opened, await importVerifyKey(opened.signatureKey.jwk))
  assert.equal(opened.signatureKey.jwk.alg, algorithm)

  // Many at once are told apart, and what is no request is not signed.
  await Promise.all(Array.from({ length: 20 }, () => signRequest(request)))
  await assert.rejects(key.sign(new TextEncoder().encode('eyJhbGciOiJFZDI1NTE5In0.e30')), /only signature bases/)

  console.log(JSON.stringify({ ...message, body: '{"title":"lunch"}' }))

  // With the signer gone nothing is signed, nobody waits, and the error says to try later: a server answers 503.
  signer.kill()
  await once(signer, 'exit')
  await assert.rejects(signRequest(request), error => error.transient && /the signer is gone/.test(error.cause.message))
  key.close()
} finally {
  signer.kill()
  rmSync(folder, { recursive: true })
}
