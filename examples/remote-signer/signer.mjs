// The process that holds the key. It answers on a Unix socket, one JSON object a line:
//   → {"id":1,"ask":"key"}                       ← {"id":1,"publicJwk":{…}}
//   → {"id":2,"ask":"sign","data":"<base64url>"} ← {"id":2,"signature":"<base64url>"} or {"id":2,"error":"…"}
// usage: node signer.mjs SOCKET [Ed25519|ES256|ES384|PS512]
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { generateSigningKey } from '@countersign/httpsig'

const [socketPath, algorithm = 'Ed25519'] = process.argv.slice(2)
if (socketPath === undefined) throw new TypeError('usage: node signer.mjs SOCKET [ALGORITHM]')

// Made here and never written down. Yours comes from an HSM, a KMS, or a file that only this process may read.
const key = await generateSigningKey(algorithm)

// Whoever reaches a signer that signs anything has the key in all but name. This one signs HTTP messages only:
// so begins the last line of every signature base (RFC 9421 §2.5), and no line of a token.
const lastLine = '"@signature-params": ('

async function answer({ id, ask, data }) {
  if (ask === 'key') return { id, publicJwk: key.publicJwk }
  const bytes = ask === 'sign' && typeof data === 'string' ? Buffer.from(data, 'base64url') : undefined
  if (bytes === undefined || !isSignatureBase(bytes)) return { id, error: 'only signature bases are signed here' }
  return { id, signature: Buffer.from(await key.sign(bytes)).toString('base64url') }
}

function isSignatureBase(bytes) {
  const text = Buffer.from(bytes).toString('latin1')
  return text.length <= 16_384 && text.slice(text.lastIndexOf('\n') + 1).startsWith(lastLine)
}

const server = createServer(socket => {
  socket.on('error', () => socket.destroy())
  createInterface({ input: socket }).on('line', async line => {
    try {
      socket.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
    } catch {
      socket.destroy()
    }
  })
})

server.listen(socketPath, () => {
  chmodSync(socketPath, 0o600)
  console.log('listening')
})
process.on('SIGTERM', () => process.exit(0))
