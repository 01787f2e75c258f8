import type { ChainHop } from '@countersign/auth-server'
import type { LimitsView } from './limits-view.js'
import type { PageUser } from './page-user.js'

/** One thing that is asked for. */
export interface ConsentScope {
  /** As on the wire. */
  readonly name: string
  /** The description in the resource's metadata; absent where it has none. */
  readonly description?: string | undefined
  /** False: the resource's metadata do not list it. Default true. */
  readonly known?: boolean | undefined
  /**
   * The resource says that it is far-reaching. `unknown`: the resource's metadata are not at hand, so it may be. Either way the page does
   * not choose it for the user.
   */
  readonly grave?: true | 'unknown' | undefined
  /** What the resource said of it when the user agreed before, where it says something else now. */
  readonly agreed?: string | undefined
  /** False: the user cannot take it away and still agree. Default true. */
  readonly optional?: boolean
  /** The user has allowed it before, and is not asked again: shown as such. Default false. */
  readonly held?: boolean
}

/** What was wrong with a form. */
export type ConsentProblem = 'nothing-chosen' | 'words-changed' | 'limits-unfit'

/** The facts of a consent page. Texts of strangers are unchanged here: the page makes them harmless. */
export interface ConsentView {
  readonly csrf: string
  /** The path that takes the decision. */
  readonly action: string
  /** What the form carries besides, e.g. `request_token`. */
  readonly hidden: Readonly<Record<string, string>>
  /** Where "not you?" comes back to: a path of this server. */
  readonly returnTo: string
  readonly user: PageUser
  readonly agent: {
    /** Verified. */
    readonly id: string
    /** Claimed. */
    readonly name?: string | undefined
    /** Claimed: a `data:` URL of `claimedLogos`; any other is left out. */
    readonly logo?: string | undefined
    readonly homepage?: string | undefined
    readonly policy_uri?: string | undefined
    readonly tos_uri?: string | undefined
  }
  /** Which of the agent's delegates. */
  readonly delegate?: string | undefined
  /** Verified. The same as the agent where it signs the user in for itself. */
  readonly resource: string
  /** Scopes of the resource. */
  readonly scopes: readonly ConsentScope[]
  /** Scopes that stand for claims about the user. */
  readonly identity: readonly ConsentScope[]
  /** Claimed. */
  readonly purpose?: string | undefined
  /** The resource's descriptions of the purposes that it is for; a name where it has none. */
  readonly purposes?: readonly string[] | undefined
  /** Conditions that hold anyway, and those that the user may add; absent where there are none. */
  readonly limits?: LimitsView | undefined
  /** In an exchange: the chain of agents, nearest first, and this auth server. */
  readonly exchange?: { readonly issuer: string; readonly chain: readonly ChainHop[] } | undefined
  /**
   * How the answer travels: to an agent that polls, to a web page, to a program on this computer, or to a device that showed a code, which asked
   * from that address at that time (Unix seconds; `now` lets the page say how long ago).
   */
  readonly way:
    | { readonly type: 'web'; readonly redirect_uri: string }
    | { readonly type: 'loopback'; readonly redirect_uri: string }
    | { readonly type: 'inbox'; readonly asked: number; readonly until: number }
    | { readonly type: 'device'; readonly peer?: string | undefined; readonly asked: number; readonly now?: number }
  /** What was wrong with the form that the user sent. */
  readonly problem?: ConsentProblem | undefined
}
