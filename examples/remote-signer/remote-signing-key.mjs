import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { parsePublicJwk, signatureLength } from '@countersign/httpsig'

/**
 * A SigningKey whose private part is in another process: takes the place of any other.
 * @param {string} socketPath where signer.mjs listens
 * @param {{ readonly timeout?: number }} [options] timeout: milliseconds one signature may take, default 2000
 * @returns {Promise<import('@countersign/httpsig').SigningKey & { close(): void }>}
 */
export async function remoteSigningKey(socketPath, { timeout = 2000 } = {}) {
  const { ask, close } = connectTo(socketPath, timeout)
  // As strict as with a stranger's key: what is published under it must be acceptable to everyone.
  const publicJwk = parsePublicJwk((await ask({ ask: 'key' })).publicJwk)
  return {
    algorithm: publicJwk.alg,
    publicJwk,
    close,
    async sign(data) {
      const { signature } = await ask({ ask: 'sign', data: Buffer.from(data).toString('base64url') })
      const bytes = Buffer.from(signature, 'base64url')
      // A KMS that answers ECDSA in DER is found here, not by every verifier.
      if (bytes.length !== signatureLength(publicJwk)) throw new Error('the signer answered in another encoding')
      return bytes
    },
  }
}

/** Questions and answers over one connection, told apart by their id. */
function connectTo(socketPath, timeout) {
  const socket = connect(socketPath)
  const waiting = new Map()
  let last = 0

  function settle(id, outcome) {
    const { resolve, reject, timer } = waiting.get(id) ?? {}
    clearTimeout(timer)
    waiting.delete(id)
    if (outcome instanceof Error) reject?.(outcome)
    else resolve?.(outcome)
  }

  createInterface({ input: socket }).on('line', line => {
    try {
      const { id, error, ...answer } = JSON.parse(line)
      settle(id, error === undefined ? answer : new Error(`the signer refused: ${error}`))
    } catch {
      socket.destroy()
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    for (const id of waiting.keys()) settle(id, new Error('the signer is gone'))
  })

  function ask(question) {
    return new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the signer is gone'))
      const id = ++last
      const timer = setTimeout(() => settle(id, new Error('the signer did not answer in time')), timeout)
      waiting.set(id, { resolve, reject, timer })
      socket.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  }

  return { ask, close: () => socket.destroy() }
}
