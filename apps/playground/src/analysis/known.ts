import { importVerifyKey, parsePublicJwk, type VerifyKey } from '@countersign/httpsig'
import { type WellKnownDocument, wellKnownUrl } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import type { Party, PartyId, ShownMessage } from '../explorer/contract.js'

/** What is known beside a message: who its parties are, and what they publish. */
export interface Known {
  readonly parties: readonly Party[]
  /** Metadata and key sets as they were answered, by URL, the latest first. */
  readonly documents: Readonly<Record<string, readonly unknown[]>>
}

/** Versions of one document that are kept: keys are rotated, and a message was signed under those of its time. */
const mostVersions = 8

/** Adds the documents that messages carried to those that are known. */
export function knownFrom(messages: readonly ShownMessage[], known: Known): Known {
  const documents: Record<string, readonly unknown[]> = { ...known.documents }
  for (const { kind, to, request, response } of messages) {
    if (kind !== 'discovery' || response.status !== 200) continue
    const origin = urlOf(to, known)
    const document = jsonOf(response.body)
    if (origin === undefined || document === undefined) continue
    const url = `${origin}${request.target}`
    documents[url] = withVersion(documents[url] ?? [], document)
  }
  return { ...known, documents }
}

/** A document that was seen before moves to the front: repetitions must not push the keys of yesterday out. */
function withVersion(versions: readonly unknown[], document: unknown): unknown[] {
  const text = JSON.stringify(document)
  return [document, ...versions.filter(version => JSON.stringify(version) !== text)].slice(0, mostVersions)
}

/** The identifier of a party. */
export function urlOf(party: PartyId, { parties }: Known): string | undefined {
  return parties.find(({ id }) => id === party)?.url
}

/** The name of a party by its identifier, with the identifier. */
export function nameOf(identifier: string, { parties }: Known): string {
  const party = parties.find(({ url }) => url === identifier)
  return party === undefined ? identifier : `${party.name} (${identifier})`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The members of a document of an identifier, the latest first. */
export function documentsAt(url: string, { documents }: Known): ReadonlyArray<Readonly<Record<string, unknown>>> {
  return (Object.hasOwn(documents, url) ? (documents[url] ?? []) : []).filter(isObject)
}

/**
 * The keys that a participant published under a `kid`, the latest first.
 * @returns undefined when no key set of it is known
 */
export async function publishedKeys(
  document: WellKnownDocument,
  { id, kid }: { readonly id: string; readonly kid: string },
  known: Known,
): Promise<readonly VerifyKey[] | undefined> {
  const urls = documentsAt(wellKnownUrl(id, document), known)
    .map(metadata => metadata['jwks_uri'])
    .filter(url => typeof url === 'string')
  const sets = [...new Set(urls)].flatMap(url => documentsAt(url, known))
  if (sets.length === 0) return undefined
  const jwks = sets.flatMap(({ keys }) => (Array.isArray(keys) ? keys : []))
  const named = jwks.filter(jwk => isObject(jwk) && jwk['kid'] === kid)
  const keys = await Promise.all(named.map(usable))
  return keys.filter(key => key !== undefined)
}

async function usable(jwk: unknown): Promise<VerifyKey | undefined> {
  try {
    return await importVerifyKey(parsePublicJwk(jwk))
  } catch {
    return undefined
  }
}
