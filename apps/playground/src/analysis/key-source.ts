import type { VerifyKey } from '@countersign/httpsig'
import type { WellKnownDocument } from '@countersign/protocol'

/** Where keys are looked up. */
export interface KeySource {
  /** The keys that a participant published under a `kid`; undefined when its key set is not known. */
  keysOf(document: WellKnownDocument, id: string, kid: string): Promise<readonly VerifyKey[] | undefined>
  /** The keys are those that a person gave, and nobody has published them. Default: false. */
  readonly areKeysGiven?: boolean
}

/** What was found out about a key. */
export function keyFinding({ areKeysGiven }: KeySource, id: string, kid: string): string {
  return areKeysGiven ? `The keys that were given have the key ${kid}.` : `${id} publishes the key ${kid}.`
}

/** What is said of keys that are not known here. */
export function unknownKeys({ areKeysGiven }: KeySource, id: string): string {
  return areKeysGiven ? `The keys of ${id} were not given.` : `What ${id} publishes is not known here.`
}

/** The description of a refusal for want of a key. */
export function noKey({ areKeysGiven }: KeySource, owner: 'agent' | 'issuer'): string {
  return areKeysGiven ? 'none of the keys that were given has this kid' : `the ${owner} publishes no key with this kid`
}
