import type { JSX } from 'preact'
import type { CallKind, Question, UserCall } from '../../../src/visitor/contract.js'
import type { State } from '../store.js'
import { type Action, post, remaining, useAction, useSeconds } from './api.js'
import { CallMessages } from './call-messages.js'
import { nameAt, type PartProps, urlOf } from './part-props.js'
import { TokenWords } from './token-words.js'

/** The visitor as the user of an agent. */
export function UserPart({ state, visitor: { call } }: PartProps): JSX.Element {
  const action = useAction()
  const start = (kind: CallKind, isNew = false): void => action.run(() => post('call', { kind, isNew }))
  const isRunning = call !== null && call.state !== 'ended'
  return (
    <>
      <p class="lead">
        The agent <b>Assistant</b> wants to do something in your name. It has no password of yours and no permission, so
        it must ask you. You answer at the auth server, and the agent never sees how you sign in.
      </p>
      <div class="visitor-buttons">
        <button type="button" class="main" disabled={isRunning || action.isBusy} onClick={() => start('event')}>
          Let it add an event to my calendar
        </button>
        <button type="button" disabled={isRunning || action.isBusy} onClick={() => start('payment')}>
          Let it pay 40 euros for a room
        </button>
      </div>
      {action.problem === '' ? null : (
        <p class="wrong" role="alert">
          {action.problem}
        </p>
      )}
      <div class="visitor-columns">
        <section class="card visitor-stage" aria-label="What happens to the call">
          <p class="sr-only" role="status">
            {call === null ? '' : headingOf(call)}
          </p>
          {call === null ? <Before /> : <Call call={call} state={state} action={action} start={start} />}
        </section>
        <div>
          {call?.outcome?.token === undefined ? null : <TokenWords token={call.outcome.token} state={state} />}
          <CallMessages call={call} others={state.others} />
        </div>
      </div>
    </>
  )
}

function Before(): JSX.Element {
  return (
    <>
      <h2>Nothing has been asked yet</h2>
      <p>
        Press a button. The agent calls the API, is told that a user must agree, and gets a link from the auth server.
        Here you open that link yourself.
      </p>
      <p class="quiet">
        At the auth server you are one of the demo users by one click, or you make an account of your own with a
        passkey: it stays on this machine, and its account ends with the playground. An event needs your consent once; a
        payment needs your yes every time. Each story begins with demo users who have allowed nothing: what you allow as
        one of them ends when a story is played, and what you allow by a passkey stays.
      </p>
    </>
  )
}

interface CallProps {
  readonly call: UserCall
  readonly state: State
  readonly action: Action
  readonly start: (kind: CallKind, isNew?: boolean) => void
}

function Call({ call, ...more }: CallProps): JSX.Element {
  if (call.state === 'ended') return <Ended call={call} {...more} />
  if (call.question !== undefined) return <Asks call={call} question={call.question} {...more} />
  return (
    <>
      <h2>{headingOf(call)}</h2>
      <progress aria-label="The agent calls" />
      <p class="quiet">
        {call.asked === 0 ? 'It is told that a user must agree.' : 'Your answer has arrived. The agent goes on.'}
      </p>
    </>
  )
}

function Asks({ call, question, state, action }: CallProps & { readonly question: Question }): JSX.Element {
  const now = useSeconds(true)
  const { url, authServer, scope, operation, until } = question
  return (
    <>
      <h2>{headingOf(call)}</h2>
      <p>
        {operation === undefined ? (
          <>
            It asks for access to <b>{nameAt(state, call.resource)}</b>, as far as <code>{scope}</code> goes.
          </>
        ) : (
          <>
            It asks you to approve one request: <b>{operation}</b>. Your yes counts for this one only.
          </>
        )}
      </p>
      <p>
        <a class="visitor-open" href={url} target="_blank" rel="noreferrer">
          Open the {operation === undefined ? 'consent' : 'approval'} page
        </a>
      </p>
      <p class="quiet">
        It is a page of <b>{nameAt(state, authServer)}</b> and opens in a new tab. Sign in there as any demo user
        {authServer === urlOf(state, 'auth-server') ? ' or with a passkey' : ''}, decide, and come back to this tab. The
        link works once.
      </p>
      <p class="visitor-wait">
        <progress aria-label="The agent waits for you" />
        <span>
          The agent waits <b class="visitor-time">{remaining(until, now)}</b>
        </span>
        <button type="button" onClick={() => action.run(() => post('call/stop'))}>
          Let it stop waiting
        </button>
      </p>
    </>
  )
}

const headings = {
  answered: { event: 'The event is in the calendar', payment: 'The payment was made' },
  refused: { event: 'Nothing was added', payment: 'Nothing was paid' },
  stopped: { event: 'The agent has stopped waiting', payment: 'The agent has stopped waiting' },
  late: { event: 'The agent has waited long enough', payment: 'The agent has waited long enough' },
  failed: { event: 'This did not work', payment: 'This did not work' },
} as const

function headingOf({ state, outcome, kind }: UserCall): string {
  if (state === 'calling') return 'The agent calls …'
  return state === 'asks' ? 'The agent asks you' : headings[outcome?.kind ?? 'failed'][kind]
}

function Ended({ call, state, start }: CallProps): JSX.Element {
  const { outcome = { kind: 'failed' as const }, kind } = call
  const isRight = outcome.kind === 'answered'
  const account = `${urlOf(state, kind === 'event' ? 'auth-server' : 'rooms-auth-server')}/account`
  return (
    <>
      <h2 class={isRight ? 'right' : 'wrong'}>{headingOf(call)}</h2>
      <p>{endedText(call)}</p>
      {isRight || outcome.reason === undefined ? null : (
        <p class="quiet">
          The agent says: <q>{outcome.reason}</q>
        </p>
      )}
      <h3>What you can do now</h3>
      <ul class="visitor-next">
        <li>
          <button type="button" onClick={() => start(kind)}>
            Let the same agent call again
          </button>
          <span>
            {isRight && kind === 'event'
              ? 'You are not asked: it keeps what you allowed.'
              : 'It asks you again, unless you told it to stop asking.'}
          </span>
        </li>
        <li>
          <a href={account} target="_blank" rel="noreferrer">
            See and take back what you allowed
          </a>
          <span>It is your account page at the auth server. Then let the agent call again.</span>
        </li>
        <li>
          <button type="button" onClick={() => start(kind, true)}>
            Let a new agent call
          </button>
          <span>Consent is for one delegate: another one asks for itself.</span>
        </li>
      </ul>
      {isRight && outcome.body !== undefined ? (
        <details>
          <summary>What the API has answered</summary>
          <pre>{outcome.body}</pre>
        </details>
      ) : null}
    </>
  )
}

function endedText({ outcome, asked, kind }: UserCall): string {
  switch (outcome?.kind) {
    case 'answered':
      return asked === 0
        ? 'You were not asked: the agent still has what you allowed before.'
        : kind === 'event'
          ? 'You agreed. The agent got an auth token, and the calendar has taken the event.'
          : 'You agreed, and approved this payment. The same yes does not pay twice.'
    case 'refused':
      return asked === 0
        ? 'You were not asked this time, and the agent got no token.'
        : 'You refused, and the call has ended with it. The agent got no token.'
    case 'stopped':
      return 'Nobody has answered the question, so nothing was allowed.'
    case 'late':
      return 'No answer came in time, so nothing was allowed.'
    default:
      return 'The call has failed before anybody could decide.'
  }
}
