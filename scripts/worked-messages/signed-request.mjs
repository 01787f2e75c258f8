// One request, signed by the package that agents sign with.
import { createHash } from 'node:crypto'
import { openSignature, signRequest } from '@countersign/httpsig'
import { publicHalf, testKeys } from './keys.mjs'

/** Signs a request: as it is received, as the page shows it, and what was signed. Its nonce follows from its name. */
export async function signedRequest(
  { keys, clock },
  { name, key, signatureKey, method = 'GET', url, form, json, interaction },
) {
  const { host, pathname, search } = new URL(url)
  const text = form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString()
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const typed = text === undefined ? [] : [['content-type', type]]
  const code = interaction === undefined ? [] : [['agent-interaction', `"${interaction}"`]]
  const body = text === undefined ? undefined : new TextEncoder().encode(text)
  const added = await signRequest({
    method,
    url,
    key: keys[key],
    signatureKey,
    headers: [...code, ...typed],
    now: () => clock.now,
    additionalComponents: ['agent-interaction'],
    nonce: createHash('sha256').update(`nonce of ${name}`).digest().subarray(0, 16).toString('base64url'),
    ...(body === undefined ? {} : { body }),
  })
  const length = body === undefined ? [] : [['content-length', String(body.length)]]
  const headers = [['host', host], ...code, ...typed, ...length, ...added]
  const target = pathname + search
  const received = { method, target, headers, ...(body === undefined ? {} : { body }) }
  const { base, label, signature } = openSignature(received, {
    authorities: [host],
    scheme: 'https',
    now: () => clock.now,
  })
  return {
    received,
    request: { method, url, target, headers, ...(text === undefined ? {} : { body: text }) },
    signature: {
      label,
      key,
      jwk: publicHalf(testKeys[key]),
      base,
      value: Buffer.from(signature).toString('base64'),
    },
  }
}
