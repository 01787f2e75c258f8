// Tokens and signed requests from their recipes. A recipe is published as `made` of a vector: anyone can make the same bytes of it.
import { createHash } from 'node:crypto'
import { publicKey, signWith } from './keys.mjs'

const base64url = bytes => Buffer.from(bytes).toString('base64url')
const jsonText = part => (typeof part === 'string' ? part : JSON.stringify(part))

/** A compact JWS. `header` and `claims` are objects, or the very text where a fault is in the text. */
export function signedToken({ header, claims, key }) {
  const input = `${base64url(jsonText(header))}.${base64url(jsonText(claims))}`
  return `${input}.${base64url(signWith(key, Buffer.from(input)))}`
}

function quotedMembers(jwk) {
  const { alg, kty, crv, x, y, n, e } = jwk
  const members = Object.entries({ alg, kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  return members.map(([name, value]) => `;${name}="${value}"`).join('')
}

/** The member of Signature-Key, without its label. */
function signatureKeyText({ scheme, key, token, text }) {
  if (text !== undefined) return text
  return scheme === 'hwk' ? `hwk${quotedMembers(publicKey(key))}` : `jwt;jwt="${signedToken(token)}"`
}

/** The bytes of a body. */
export function bytesOf({ text, base64 }) {
  return base64 === undefined ? Buffer.from(text, 'utf8') : Buffer.from(base64, 'base64')
}

/** A Content-Digest. */
export function digestOf(bytes, algorithm = 'sha-256') {
  return `${algorithm}=:${createHash(algorithm.replace('-', '')).update(bytes).digest('base64')}:`
}

function componentLine(identifier, made, headers) {
  const { method, target, scheme = 'https', authority, values = {} } = made
  const [path] = target.split('?')
  const derived = {
    '"@method"': method,
    '"@authority"': authority,
    '"@path"': path,
    '"@query"': target.slice(path.length),
    '"@scheme"': scheme,
    '"@request-target"': target,
    '"@target-uri"': `${scheme}://${authority}${target}`,
  }
  const lines = headers.filter(([name]) => `"${name.toLowerCase()}"` === identifier).map(([, value]) => value.trim())
  // `values` has those of components with parameters, written by hand.
  return `${identifier}: ${values[identifier] ?? derived[identifier] ?? lines.join(', ')}\n`
}

/** The lines of the covered components. */
export function componentLines(made, headers) {
  return made.components.map(component => componentLine(component, made, headers)).join('')
}

/** Makes a signed request: the message as it is received, and the signature base. Nothing of it is checked. */
export function signedRequest(made) {
  const { label = 'sig', method, target, headers, body, digest = 'sha-256', components } = made
  const digests = body === undefined || digest === null ? [] : [['content-digest', digestOf(bytesOf(body), digest)]]
  const keyLine = ['signature-key', `${label}=${signatureKeyText(made.signature_key)}`]
  const params = made.parameters === '' ? '' : `;${made.parameters}`
  const input = `(${components.join(' ')})${params}`
  const covered = [...headers, ...digests, keyLine]
  const base = `${componentLines(made, covered)}"@signature-params": ${input}`
  const signature = `${label}=:${signWith(made.key, Buffer.from(base, 'latin1')).toString('base64')}:`
  const signatureInput = `${label}=${made.sent_input ?? input}`
  const { other_inputs = [], other_signatures = [] } = made
  const all = [
    ...[...headers, ...digests],
    ['signature-input', [signatureInput, ...other_inputs].join(', ')],
    ['signature', [signature, ...other_signatures].join(', ')],
    keyLine,
    ...(made.more_lines ?? []),
  ]
  return { input: { method, target, headers: all, ...(body === undefined ? {} : { body }) }, base }
}
