import type { SigningKey } from '@countersign/httpsig'
import type { History } from '../history.js'
import type { Random } from '../random.js'
import type { Courier } from './send.js'

/** The participants, as their clients know them. */
export interface Addresses {
  /** Identifiers, which lead to the balancers. */
  readonly auth: string
  readonly agents: string
  readonly gateway: string
  /** An auth server of another domain, whose tokens the first one takes in exchange. */
  readonly partner: string
  /** Two resources in the middle of a chain, published by the rig. */
  readonly middles: readonly [Published, Published]
  /** Issues the OIDC tokens by which delegates enrol. */
  readonly workloads: Workloads
  /** Where browsers are sent back to. */
  readonly callback: string
  /** Ports of the single instances. */
  readonly instances: {
    readonly auth: readonly number[]
    readonly agents: readonly number[]
    readonly gateway: readonly number[]
  }
}

/** A participant that the rig publishes itself. */
export interface Published {
  readonly id: string
  readonly key: SigningKey
  readonly kid: string
}

/** The platform on which delegates run. */
export interface Workloads {
  readonly id: string
  /** A token by which one run of a workload enrols. */
  sign(o: { readonly audience: string; readonly run: string }): Promise<string>
}

/** What all clients share. */
export interface ClientWorld {
  readonly addresses: Addresses
  readonly history: History
  readonly courier: Courier
  /** Ends grants of an agent's delegate as an operator does, by the command; throws when that fails. */
  readonly revokeAsOperator: (grant: string) => Promise<void>
}

/** A grant that a client holds. */
export interface HeldGrant {
  readonly tag: string
  /** Whose it is. */
  readonly delegate: Delegate
  readonly refresh: string
  readonly refreshHash: string
  readonly grant: string
  /** The newest auth token. */
  jwt: string
  readonly scope: string
  /** The user who allowed it; undefined for a direct grant. */
  readonly user: string | undefined
  /** When its newest token was asked for. */
  issued: number
  ended: boolean
}

/** One client: a delegate, its user, and what it remembers. */
export interface Client {
  readonly name: string
  /** Its users, which no other client has. */
  readonly users: readonly string[]
  readonly random: Random
  readonly world: ClientWorld
  /** The delegate; undefined before it has enrolled. */
  delegate: Delegate | undefined
  held: HeldGrant[]
  /** Grants of its delegates before, to be looked at after the run. */
  readonly former: HeldGrant[]
  /** Tokens of ended grants, to be tried again. */
  readonly ended: HeldGrant[]
  /** Signed requests that were let pass, to be sent again. */
  readonly captured: CapturedCall[]
  /** Counts attempts. */
  attempts: number
}

/** An enrolled delegate. */
export interface Delegate {
  readonly key: SigningKey
  readonly jwt: string
  /** Milliseconds of the rig's clock. */
  readonly expires: number
}

/** A signed request as it was sent. */
export interface CapturedCall {
  readonly nonce: string
  readonly route: string
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array | undefined
}
