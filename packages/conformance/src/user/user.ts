/** The form by which a user allows. */
export interface DecisionForm {
  /** Where it is sent. */
  readonly action: string
  /** Its fields, and the button that allows. */
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
}

/** What a user does with a link. */
export interface Errand {
  readonly url: string
  /** `stop`: the user refuses a call, and wants no more questions of this agent. */
  readonly decision: 'allow' | 'refuse' | 'stop'
  /** The code of a device, to type in at the link. */
  readonly code?: string | undefined
  /** Which of two users it is. */
  readonly user: '1' | '2'
  /** What the user allows of a page: what it suggests, or all that it offers. Default what it suggests. */
  readonly choose?: 'suggested' | 'all' | undefined
  /** What they do there: decide about a request, turn the inbox on, answer the question that waits in it, only read the page, or take one of two scopes back. Default they decide. */
  readonly task?: 'decide' | 'inbox-on' | 'inbox' | 'read' | 'narrow' | undefined
  /** Seconds that the user reads the page before they press anything that decides. Default none. */
  readonly wait?: number | undefined
  /** Told of the form before the user presses anything: the URL that another tab of the same browser visits meanwhile. */
  readonly meanwhile?: ((form: DecisionForm) => string) | undefined
}

/** What became of an errand. */
export interface Acted {
  /** Whether the user says that they could do it. */
  readonly succeeded: boolean
  /** In words: how it ended. */
  readonly detail: string
  /** The page on which the user decided, as text or HTML; undefined where the user does not tell. */
  readonly page?: string | undefined
  /** The statuses of the redirects that led away from the auth server; undefined where the user does not tell. */
  readonly redirects?: readonly number[] | undefined
}

/** A user who acts in a browser of their own, a new one for each errand. */
export interface User {
  /** Whether there is a second user. */
  readonly hasOther: boolean
  /** Whether the user types in codes of devices. */
  readonly takesCodes: boolean
  /** Whether the user can allow all that a page offers. */
  readonly chooses: boolean
  /** Whether the user can read a page for some time. */
  readonly waits: boolean
  /** The path of the page on which the user turns the inbox on, and finds the questions that wait in it; undefined without one. */
  readonly inbox: string | undefined
  /** The path of the page that lists what the user has allowed; undefined without one. */
  readonly account: string | undefined
  /** The path of the page that lists the calls that the user has approved; undefined without one. */
  readonly history: string | undefined
  /** Whether the user can refuse a call and end all questions of its agent. */
  readonly stops: boolean
  /** Whether the user can take one of the scopes back that they have allowed. */
  readonly narrows: boolean
  /** Whether another tab of the same browser can visit a page meanwhile. */
  readonly opensTabs: boolean
  act(errand: Errand): Promise<Acted>
  close(): Promise<void>
}

/** The longest page that a user tells of, in characters. */
export const longestPage: number = 256 * 1024
