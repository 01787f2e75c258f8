import { isObject, type JsonObject, parseJson, utf8 } from './json.js'
import { type PublicKey, readKey } from './key.js'
import { type Role, wrongMember } from './metadata-members.js'
import { badDocument, Refusal } from './refusal.js'

/** A key of a participant. */
export interface KeyName {
  readonly role: Role
  readonly id: string
  readonly kid: string
}

/** What a peer has read of other participants. @see protocol §10 */
export interface Documents {
  metadata(role: Role, id: string): Promise<JsonObject>
  /**
   * The key that verifies something; looks again where its `kid` is unknown or it does not verify, once in 30 s.
   * @returns `unknown` where the participant has no such key, `wrong` where it does not verify
   */
  keyThat(name: KeyName, verifies: (key: PublicKey) => boolean): Promise<PublicKey | 'unknown' | 'wrong'>
}

interface Read {
  readonly document: JsonObject
  readonly at: number
  /** Seconds. */
  readonly keep: number
}

const longestMetadata = 64 * 1024
const longestKeySet = 256 * 1024
const mediaTypes = ['application/json', 'application/jwk-set+json']

/** Opens a reader of documents on loopback. `now` is in seconds. */
export function openDocuments(now: () => number): Documents {
  const reads = new Map<string, Promise<Read>>()
  const read = async (url: string, longest: number, oldest = Number.POSITIVE_INFINITY): Promise<JsonObject> => {
    const known = reads.get(url)
    if (known !== undefined) {
      const { document, at, keep } = await known
      if (now() - at < Math.min(keep, oldest)) return document
    }
    if (known === reads.get(url)) {
      const started = fetchDocument(url, longest, now)
      reads.set(url, started)
      started.catch(() => reads.delete(url))
    }
    return (await (reads.get(url) ?? fetchDocument(url, longest, now))).document
  }
  const metadata = async (role: Role, id: string): Promise<JsonObject> => {
    const document = await read(`${id}/.well-known/${role}`, longestMetadata)
    checkMetadata(document, role, id)
    return document
  }
  const keyOf = async ({ role, id, kid }: KeyName, oldest?: number): Promise<PublicKey | undefined> => {
    const { jwks_uri: uri } = await metadata(role, id)
    const { keys } = await read(String(uri), longestKeySet, oldest)
    if (!Array.isArray(keys) || keys.length === 0) throw badDocument('jwks_malformed', 'the key set has no keys')
    const named = keys.filter(key => isObject(key) && key['kid'] === kid)
    const found = named.map(knownKey).filter(key => key !== undefined)
    return found.length === 1 ? found[0] : undefined
  }
  return {
    metadata,
    async keyThat(name, verifies) {
      const key = await keyOf(name)
      if (key !== undefined && verifies(key)) return key
      const again = await keyOf(name, 30).catch(() => undefined)
      if (again === undefined) return key === undefined ? 'unknown' : 'wrong'
      return again.thumbprint !== key?.thumbprint && verifies(again) ? again : 'wrong'
    },
  }
}

/** A key of a set; undefined where it is broken or unknown. */
function knownKey(jwk: unknown): PublicKey | undefined {
  try {
    return readKey(jwk)
  } catch {
    return undefined
  }
}

/** @see protocol §2 */
function checkMetadata(document: JsonObject, role: Role, id: string): void {
  const of = role.slice('aauth-'.length)
  if (document['issuer'] !== id) throw badDocument('document_of_another', '`issuer` of the metadata is another')
  if (of !== 'issuer' && document[of] !== id)
    throw badDocument('document_of_another', `\`${of}\` of the metadata is another`)
  const wrong = wrongMember(document, role)
  if (wrong !== undefined) throw badDocument('document_malformed', `\`${wrong}\` of the metadata is missing or wrong`)
  for (const [name, value] of Object.entries(document).filter(([name]) => name.endsWith('_endpoint'))) {
    const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
    if (url?.origin !== id || url.search !== '') throw badDocument('document_malformed', `\`${name}\` is elsewhere`)
  }
}

async function fetchDocument(url: string, longest: number, now: () => number): Promise<Read> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) }).catch(unreachable)
  if (response.status >= 500) throw unreachable()
  if (response.status !== 200) throw badDocument('document_missing', 'a document is missing')
  const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (!mediaTypes.includes(type)) throw badDocument('document_malformed', 'a document has another media type')
  const bytes = await readAtMost(response, longest)
  const document = jsonOf(bytes)
  const age = Number(/\bmax-age=(\d{1,9})\b/.exec(response.headers.get('cache-control') ?? '')?.[1] ?? 30)
  return { document, at: now(), keep: Math.min(Math.max(age, 30), 600) }
}

async function readAtMost(response: Response, longest: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > longest) throw badDocument('document_too_large', 'a document is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function jsonOf(bytes: Buffer): JsonObject {
  let document: unknown
  try {
    document = parseJson(utf8(bytes))
  } catch {
    throw badDocument('document_malformed', 'a document is no JSON')
  }
  if (!isObject(document)) throw badDocument('document_malformed', 'a document is no object')
  return document
}

function unreachable(): never {
  throw new Refusal(503, 'discovery_failed', {
    reason: 'participant_unreachable',
    text: 'a document cannot be reached',
    headers: { 'retry-after': '5' },
  })
}
