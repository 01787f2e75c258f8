// What the visitor's part of the server and the page tell each other. Types only, so that both can import them.

/** Everything that a visitor takes part in. */
export interface VisitorState {
  /** The call for which the visitor is the user; null before the first one. */
  readonly call: UserCall | null
  readonly heartbeat: Heartbeat
  readonly operator: OperatorState
  /** The visitor's own agents, the latest first. */
  readonly agents: readonly OwnAgent[]
}

/** What an agent can ask its user for: to add an event to the calendar, or to approve a payment at rooms. */
export type CallKind = 'event' | 'payment'

/** A call that needs the visitor's consent. */
export interface UserCall {
  readonly id: number
  /** Unix seconds at which it began. */
  readonly began: number
  readonly kind: CallKind
  /** The delegate that calls. */
  readonly delegate: string
  readonly resource: string
  readonly state: 'calling' | 'asks' | 'ended'
  /** What the visitor is asked now; while `asks`. */
  readonly question?: Question
  /** How often the visitor was asked for this call. */
  readonly asked: number
  /** Unix seconds; once `ended`. */
  readonly until?: number
  readonly outcome?: CallOutcome
}

/** A question to the visitor, which a page of an auth server asks. */
export interface Question {
  /** The page. It works once. */
  readonly url: string
  readonly authServer: string
  readonly scope: string
  /** The single request that is to be approved, in the words of the resource. */
  readonly operation?: string
  /** Unix seconds at which the call stops waiting. */
  readonly until: number
}

/** How a call ended. */
export interface CallOutcome {
  /** `stopped`: by the visitor; `late`: no answer in time; `failed`: something is broken. */
  readonly kind: 'answered' | 'refused' | 'stopped' | 'late' | 'failed'
  readonly status?: number
  /** Why it was refused, or failed. */
  readonly reason?: string | undefined
  /** What the resource answered, as indented JSON. */
  readonly body?: string
  /** The auth token of the call that was answered. */
  readonly token?: TokenFacts | undefined
}

/** The claims of an agent token or an auth token. */
export interface TokenFacts {
  readonly type: 'agent' | 'auth'
  readonly issuer: string
  readonly audience?: string | undefined
  readonly agent: string
  readonly delegate?: string | undefined
  /** The user, under a name of the issuer's own. */
  readonly user?: string | undefined
  readonly scope?: string | undefined
  /** Unix seconds. */
  readonly issued: number
  /** Unix seconds. */
  readonly expires: number
}

/** A delegate that calls the calendar every second. */
export interface Heartbeat {
  /** `waits`: while a story is played. */
  readonly state: 'stopped' | 'starts' | 'beats' | 'waits'
  /** The delegate; empty before the first start. */
  readonly delegate: string
  /** The latest calls, oldest first. */
  readonly beats: readonly Beat[]
  /** What the operator did meanwhile, oldest first. */
  readonly marks: readonly Mark[]
  /** Unix seconds at which it stops by itself. */
  readonly until?: number
  /** Unix seconds at which the delegate's agent token ends unless it is renewed. */
  readonly tokenUntil?: number
}

/** A call of the heartbeat. Status 0: no answer. */
export interface Beat {
  readonly id: number
  /** Unix seconds. */
  readonly at: number
  readonly status: number
  /** Why it was refused. */
  readonly reason?: string
}

export interface Mark {
  /** Unix seconds. */
  readonly at: number
  readonly text: string
}

/** What an operator can do here. */
export type OperatorAct =
  | 'block-delegate'
  | 'unblock-delegate'
  | 'block-agent'
  | 'unblock-agent'
  | 'revoke-grant'
  | 'revoke-delegate'

/** What operators see, as their commands print it. */
export interface OperatorState {
  readonly delegates: readonly ListedDelegate[]
  readonly grants: readonly ListedGrant[]
  readonly blocks: readonly ListedBlock[]
  /** The commands that were run, the latest first. */
  readonly commands: readonly RunCommand[]
  /** Whether a command is running. */
  readonly isBusy: boolean
}

export interface ListedDelegate {
  readonly sub: string
  readonly label?: string
  readonly created: number
  readonly last_seen: number
  readonly revoked?: number
}

export interface ListedGrant {
  readonly grant: string
  readonly agent: string
  readonly delegate?: string
  readonly resource: string
  readonly scope: readonly string[]
  readonly user?: string
  readonly last_used?: number
}

export interface ListedBlock {
  readonly agent?: string
  readonly delegate?: string | undefined
}

/** A command that changed something, and what it printed. */
export interface RunCommand {
  readonly id: number
  readonly line: string
  readonly output: string
  readonly ok: boolean
}

/** An invitation, and what became of it. */
export interface OwnAgent {
  readonly delegate: string
  readonly label: string
  /** Unix seconds at which the code ends. */
  readonly codeUntil: number
  /** Unix seconds of its enrolment. */
  readonly enrolled?: number
  /** The latest calls, the latest first. */
  readonly calls: readonly OwnCall[]
  readonly callCount: number
}

/** A call of the visitor's own agent that named the agent in its signature. */
export interface OwnCall {
  readonly id: number
  /** Unix seconds. */
  readonly at: number
  readonly to: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** What its signature has shown. */
  readonly level: 'identified' | 'authorized'
  /** The tool of an MCP server. */
  readonly tool?: string | undefined
}

/** `POST /api/visitor/invitations`: a code, and how to use it. */
export interface Invited {
  readonly delegate: string
  readonly label: string
  readonly forms: readonly Form[]
}

/** A way to bring an agent, ready to paste. */
export interface Form {
  readonly id: 'terminal' | 'typescript' | 'mcp'
  /** For this checkout or installation: it works now. */
  readonly text: string
  /** The file that the text is for, and what runs it. */
  readonly file?: string
  readonly run?: string
  /** The same with the packages from npm. */
  readonly npm: string
}
