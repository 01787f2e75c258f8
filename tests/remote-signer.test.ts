import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { agentServer, createAgent } from '@countersign/agent'
import {
  importVerifyKey,
  openSignature,
  type ReceivedMessage,
  type SigningKey,
  verifySignature,
} from '@countersign/httpsig'
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

test('an agent whose key is in another process says who it is, by a signature of that key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-signer-'))
  const socket = join(folder, 'signer.sock')
  const signer = spawn(process.execPath, [join(root, 'examples/remote-signer/signer.mjs'), socket, 'Ed25519'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(signer.stdout, 'data')
    const example = pathToFileURL(join(root, 'examples/remote-signer/remote-signing-key.mjs')).href
    const { remoteSigningKey } = (await import(example)) as {
      remoteSigningKey(path: string): Promise<SigningKey & { close(): void }>
    }
    const key = await remoteSigningKey(socket)
    const sent: ReceivedMessage[] = []
    const agent = createAgent({
      identity: agentServer({ id: 'https://agent.example', kid: 'k1', key }),
      identifyTo: ['https://calendar.example'],
      fetcher: async () => ({ status: 404, contentType: '', body: new Uint8Array() }),
      fetch: async (_, init) => {
        const headers: Array<[string, string]> = [...new Headers(init?.headers)]
        sent.push({ method: 'GET', target: '/agenda', headers: [['host', 'calendar.example'], ...headers] })
        const named = headers.some(([name, value]) => name === 'signature-key' && value.includes('jwks_uri'))
        const challenge = { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } }
        return named ? new Response('ok') : new Response(null, challenge)
      },
    })
    expect((await agent.fetch('https://calendar.example/agenda')).status).toBe(200)
    const opened = openSignature(sent.at(-1) ?? expect.fail('nothing was sent'), options)
    expect(opened.signatureKey).toMatchObject({ scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1' })
    await expect(verifySignature(opened, await importVerifyKey(key.publicJwk))).resolves.toBeUndefined()
    key.close()
  } finally {
    signer.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})
