// Calls of the server. Each request is signed (RFC 9421) with a key that this browser made and no script can read; there is no cookie.

const encoder = new TextEncoder()
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
/** Seconds that the clock of this machine is behind that of the server. */
let behind = 0

/** What the server refused, or why it was not asked. */
export class CallError extends Error {
  constructor(reason, description, status) {
    super(description)
    this.reason = reason
    this.status = status
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
}

function base64url(bytes) {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The headers of a signed request. */
async function signed({ privateKey, jwk }, { path, body }) {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(body))
  const headers = {
    'content-type': 'application/json',
    'content-digest': `sha-256=:${base64(digest)}:`,
    'signature-key': `sig=hwk;kty="EC";crv="P-256";x="${jwk.x}";y="${jwk.y}"`,
  }
  const values = { '@method': 'POST', '@authority': location.host, '@path': path, ...headers }
  const names = Object.keys(values)
  const created = Math.floor(Date.now() / 1000 + behind)
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)))
  const parameters = `(${names.map(name => `"${name}"`).join(' ')});created=${created};nonce="${nonce}"`
  const base = `${names.map(name => `"${name}": ${values[name]}\n`).join('')}"@signature-params": ${parameters}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, encoder.encode(base))
  return { ...headers, 'signature-input': `sig=${parameters}`, signature: `sig=:${base64(signature)}:` }
}

/** A new key. Its private part never leaves the browser, not even for this script. */
async function newKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, false, ['sign'])
  const { x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  return { privateKey, jwk: { x, y } }
}

function storage(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('countersign-admin', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('keys', mode)
      const request = act(transaction.objectStore('keys'))
      transaction.oncomplete = () => {
        opening.result.close()
        resolve(request.result)
      }
      transaction.onerror = () => reject(transaction.error)
    }
  })
}

/** The key of this browser; undefined where it is not signed in. */
export function keptKey() {
  return storage('readonly', store => store.get('key'))
}

export function forgetKey() {
  return storage('readwrite', store => store.delete('key'))
}

async function send(key, path, members) {
  const body = JSON.stringify(members)
  const headers = await signed(key, { path, body })
  // `omit`: cookies of other pages on this host are not sent, and none is kept.
  return fetch(path, { method: 'POST', headers, body, credentials: 'omit', redirect: 'error', cache: 'no-store' })
}

/** Reasons for which the server has done nothing, and the request may be signed and sent again. */
const again = new Set(['starting', 'created_too_old', 'created_in_future'])

async function answered(key, path, members) {
  for (let tries = 1; ; tries++) {
    let response
    try {
      response = await send(key, path, members)
    } catch {
      throw new CallError('away', 'The server does not answer.', 0)
    }
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    const result = isJson ? await response.json() : {}
    if (response.ok) return result
    const { reason = 'unknown', error_description: description = 'The server refused the request.' } = result
    if (!again.has(reason) || tries === 3) throw new CallError(reason, description, response.status)
    // The clock of this machine may be wrong.
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) behind = date / 1000 - Date.now() / 1000
    await new Promise(resolve => setTimeout(resolve, reason === 'starting' ? 1000 : 0))
  }
}

/** Asks the server. @throws CallError */
export async function call(path, members = {}) {
  const key = await keptKey()
  if (key === undefined) throw new CallError('signed_out', 'This browser is not signed in.', 401)
  const given = Object.entries(members).filter(([, value]) => value !== undefined && value !== '')
  return answered(key, `/api/${path}`, Object.fromEntries(given))
}

/** Signs this browser in by a link. Resolves with the name of the admin. The key is kept once the server knows it. */
export async function enrol(link) {
  const key = await newKey()
  const { name } = await answered(key, '/api/enrol', { link })
  await storage('readwrite', store => store.put(key, 'key'))
  return name
}
