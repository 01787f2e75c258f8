import {
  type HeaderLines,
  type HttpResponseMessage,
  importVerifyKey,
  type PublicJwk,
  parsePublicJwk,
  thumbprint,
  type VerifyKey,
  verifyMessage,
} from '@countersign/httpsig'
import { algorithmNamed } from '@countersign/httpsig/internal'
import { authorityOf } from '@countersign/protocol'
import {
  botDirectoryPath,
  botDirectoryTag,
  botDirectoryType,
  isObject,
  isTestKey,
  refusal,
  schemeOf,
} from '@countersign/protocol/internal'
import { CachedDocument } from './cached-document.js'
import type { FetchedDocument } from './fetcher.js'
import type { Participant, PartSource } from './participant.js'
import { readDocument } from './read-document.js'

/** Bytes of a directory, after decoding. */
const maxBytes = 64 * 1024
/** Keys of a directory: each costs an import and a signature. */
const maxKeys = 32
/** Members and bytes of the signature headers: one member for each key. */
const signatureLimits = { members: maxKeys, bytes: 16 * 1024 }
/** Seconds between two early fetches, for a key that the directory lacks. */
const earlyInterval = 30
/** Seconds that the clock of a directory's host may be ahead. */
const tolerance = 60
/** Times above are milliseconds, which early drafts wrote. */
const mostSeconds = 100_000_000_000

const proofHeaders: readonly string[] = ['signature', 'signature-input', 'content-digest']

/** The keys of one directory. */
interface SignedKeys {
  find(keyid: string): Promise<VerifyKey | undefined>
  /** The keys asked for so far, by thumbprint. */
  readonly imported: ReadonlyMap<string, unknown>
}

/** The keys that one bot publishes. It has no metadata. @see protocol §3.8 */
export function botKeys(source: PartSource): Participant<never> {
  const { id } = source
  const url = `${id}${botDirectoryPath}`
  let imported: SignedKeys['imported'] | undefined
  const directory = new CachedDocument<SignedKeys>({
    now: source.now,
    fetch: budget => source.fetch('jwks', url, { maxBytes, budget }),
    join: budget => source.join?.(url, { maxBytes, budget }),
    read(document) {
      const keys = signedKeys(document, { id, at: source.now(), development: source.development })
      imported = keys.imported
      return keys
    },
    onHeld(document) {
      source.onHeld('jwks', document)
      // Both are kept until each key that is asked for was proven.
      const body = new TextEncoder().encode(JSON.stringify(proofsOf(document)))
      source.onHeld('metadata', { ...document, body })
    },
    tell: what => source.tell('jwks', what),
  })
  return {
    metadata() {
      throw new TypeError('a bot has no metadata')
    },
    async key(keyid, budget) {
      const key = await (await directory.get(budget)).find(keyid)
      // A flood of invented names of keys costs the host one fetch per interval.
      return key ?? (await directory.renewed(earlyInterval, budget)).find(keyid)
    },
    jwksUri: () => undefined,
    importedKeys: () => imported?.size ?? 0,
  }
}

interface Fetched {
  readonly id: string
  /** When the directory was fetched: its signatures must be valid then. */
  readonly at: number
  readonly development: boolean
}

/** @throws AAuthError `discovery_failed`, Unreachable */
function signedKeys(document: FetchedDocument, fetched: Fetched): SignedKeys {
  const json = readDocument(document, maxBytes, [botDirectoryType])
  const entries = isObject(json) ? json['keys'] : undefined
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > maxKeys)
    throw refusal('jwks_malformed', { about: `it must have 1 to ${maxKeys} keys` })
  const usable = entries.flatMap(entry => keyOf(entry, fetched.at))
  const signed = { ...document, headers: proofsOf(document) }
  // bound: 32 keys of one directory of 64 KiB; bytes: 2 KiB a key, weighed by the cache; grown by a stranger; shared:
  // as the cache; filled by resource/src/web-bot.test.ts "must be the document itself"
  const imported = new Map<string, Promise<VerifyKey | undefined>>()
  let jwks: Promise<ReadonlyMap<string, PublicJwk>> | undefined
  return {
    imported,
    async find(keyid) {
      jwks ??= byThumbprint(usable)
      const jwk = (await jwks).get(keyid)
      // The drafts sign with a key that is printed in RFC 9421: whoever reads it would be this bot.
      if (jwk === undefined || (!fetched.development && isTestKey(keyid))) return undefined // discovery.test-keys
      const key = imported.get(keyid) ?? provenKey(jwk, signed, fetched)
      // At most one entry for each key of the directory.
      imported.set(keyid, key)
      return key
    },
  }
}

/** The header lines that prove the keys. */
function proofsOf({ headers = [] }: FetchedDocument): HeaderLines {
  return headers.filter(([name]) => proofHeaders.includes(name.toLowerCase()))
}

/** By the thumbprint that is computed here: a `kid` could name the key of another bot. */
async function byThumbprint(keys: readonly PublicJwk[]): Promise<ReadonlyMap<string, PublicJwk>> {
  const named = await Promise.all(keys.map(async jwk => [await thumbprint(jwk), jwk] as const))
  // bound: 32 keys of one directory of 64 KiB; bytes: 1 KiB a key, the size of the document; grown by a stranger;
  // shared: as the cache; filled by resource/src/web-bot.test.ts "must be the document itself"
  return new Map(named)
}

/** The key of an entry, whose `alg` is a name out of the registry of RFC 9421; none where it is not usable now. */
function keyOf(entry: unknown, now: number): PublicJwk[] {
  if (!isObject(entry)) return []
  const { alg: name, nbf, exp } = entry as Readonly<Record<string, unknown>>
  if (!isTime(nbf) || !isTime(exp) || secondsOf(nbf, now) > now + tolerance || secondsOf(exp, now + 1) <= now) return []
  const alg = typeof name === 'string' ? (algorithmNamed(name) ?? name) : name
  try {
    return [parsePublicJwk({ ...entry, alg }, { algorithmOptional: true })]
  } catch {
    return [] // a broken key or one of an unknown type: the other keys are still used
  }
}

/** Up to and including the second of `expires`: only the beginning of a proof goes by the clock of its host. */
const isValid = (expires: number | undefined, at: number): boolean => expires !== undefined && Math.floor(at) <= expires

const isTime = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isFinite(value))

function secondsOf(time: number | undefined, absent: number): number {
  if (time === undefined) return absent
  return time > mostSeconds ? time / 1000 : time
}

/**
 * The key, if the response is signed with it. Without that proof a bot could publish a key that it does not hold, and be taken for the
 * sender of what its holder has signed.
 */
async function provenKey(
  jwk: PublicJwk,
  { status, headers, body }: FetchedDocument & { readonly headers: HeaderLines },
  { id, at }: Fetched,
): Promise<VerifyKey | undefined> {
  const path = botDirectoryPath
  const request = {
    method: 'GET',
    target: path,
    scheme: schemeOf(id),
    authority: authorityOf(id),
    headers: [],
  } as const
  const message: HttpResponseMessage = { status, headers, body, request }
  try {
    const key = await importVerifyKey(jwk)
    await verifyMessage({
      message,
      tag: botDirectoryTag,
      limits: signatureLimits,
      tolerance,
      now: () => at,
      key: ({ params }) => (params.keyid === key.thumbprint && isValid(params.expires, at) ? key : undefined),
      // Of this very host: another that shows a copy of the directory proves nothing.
      requiredComponents: ['"@authority";req'],
      // The signer says until when the proof is good; a static host signs its directory once for all.
      maxAge: Number.MAX_SAFE_INTEGER,
    })
    return key
  } catch {
    return undefined
  }
}
