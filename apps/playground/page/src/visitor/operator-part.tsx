import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { RunCommand } from '../../../src/visitor/contract.js'
import { post, remaining, useAction, useSeconds } from './api.js'
import { Delegates, Grants } from './operator-lists.js'
import type { OperatorProps } from './operator-props.js'
import type { PartProps } from './part-props.js'
import { pulseText, Strip } from './strip.js'

/** The visitor as the operator of the agent server and the auth server. */
export function OperatorPart({ state, visitor }: PartProps): JSX.Element {
  const action = useAction()
  const act: OperatorProps['act'] = (name, on) => action.run(() => post('operator', { act: name, on }))
  const { latest } = state
  const isNews =
    latest !== undefined &&
    latest.response.status === 200 &&
    (latest.request.target === '/delegate/token' || /request_type=(?:auth|code)/.test(latest.request.body))
  useLists(isNews ? latest.id : 0)
  const props = { visitor, action, act }
  return (
    <>
      <p class="lead">
        Each delegate of an agent has a key of its own, so one can be stopped and the others go on. Start one that reads
        the calendar every second, and take its access away.
      </p>
      <Pulse {...props} />
      {action.problem === '' ? null : (
        <p class="wrong" role="alert">
          {action.problem}
        </p>
      )}
      <div class="visitor-columns">
        <Delegates {...props} />
        <Grants {...props} state={state} />
      </div>
    </>
  )
}

/** Has the lists read when the view opens, and after each message that may change them. */
function useLists(news: number): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => void post('operator/refresh').catch(() => undefined), news === 0 ? 0 : 800)
    return () => clearTimeout(timer.current)
  }, [news])
}

function Pulse({ visitor, action, act }: OperatorProps): JSX.Element {
  const { heartbeat, operator } = visitor
  const isOn = heartbeat.state !== 'stopped'
  const now = useSeconds(isOn)
  const [last] = heartbeat.beats.slice(-1)
  const isRefused = last !== undefined && last.status !== 200
  return (
    <section class="card visitor-pulse" aria-label="The delegate that calls every second">
      <div class="visitor-buttons">
        <button
          type="button"
          class={isOn ? '' : 'main'}
          disabled={action.isBusy || heartbeat.state === 'starts'}
          onClick={() => action.run(() => post('heartbeat', { on: !isOn }))}
        >
          {isOn ? 'Stop it' : heartbeat.beats.length === 0 ? 'Start a delegate' : 'Start it again'}
        </button>
        {heartbeat.delegate === '' ? null : <code>{heartbeat.delegate}</code>}
        {isOn && heartbeat.until !== undefined ? (
          <span class="quiet visitor-time">stops by itself in {remaining(heartbeat.until, now)}</span>
        ) : null}
      </div>
      <Strip heartbeat={heartbeat} />
      <p class={isRefused ? 'wrong' : 'right'}>{heartbeat.beats.length === 0 ? '' : pulseText(heartbeat, now)}</p>
      <p class="sr-only" role="status">
        {last === undefined ? '' : isRefused ? 'The calls are refused' : 'The calls are answered'}
      </p>
      <Levers visitor={visitor} action={action} act={act} />
      <Terminal commands={operator.commands} isBusy={operator.isBusy} />
    </section>
  )
}

function Levers({ visitor: { heartbeat, operator }, action, act }: OperatorProps): JSX.Element {
  const { delegate } = heartbeat
  const isBlocked = operator.blocks.some(block => block.delegate === delegate)
  const grant = operator.grants.find(listed => listed.delegate === delegate)?.grant
  const isRevoked = operator.delegates.some(({ sub, revoked }) => sub === delegate && revoked !== undefined)
  const isKnown = operator.delegates.some(({ sub }) => sub === delegate)
  const isBusy = action.isBusy || operator.isBusy
  return (
    <dl class="visitor-levers">
      <div>
        <dt>
          <button
            type="button"
            disabled={isBusy || !isKnown}
            onClick={() => act(isBlocked ? 'unblock-delegate' : 'block-delegate', delegate)}
          >
            {isBlocked ? 'Unblock it' : 'Block it'} at the auth server
          </button>
        </dt>
        <dd>
          {isBlocked
            ? 'It may ask again, and gets what the policy grants.'
            : 'Its grants end, and the calendar is told. Within five seconds it is refused.'}
        </dd>
      </div>
      <div>
        <dt>
          <button
            type="button"
            disabled={isBusy || grant === undefined}
            onClick={() => act('revoke-grant', grant ?? '')}
          >
            Revoke its grant
          </button>
        </dt>
        <dd>Its token ends. The policy of this auth server grants it anew, so it goes on with another one.</dd>
      </div>
      <div>
        <dt>
          <button
            type="button"
            disabled={isBusy || !isKnown || isRevoked}
            onClick={() => act('revoke-delegate', delegate)}
          >
            Revoke it at the agent server
          </button>
        </dt>
        <dd>
          {isRevoked
            ? 'It is revoked. When its agent token ends it gets no other one.'
            : 'Its agent token is not renewed: it ends within a minute here, within an hour by default.'}
        </dd>
      </div>
    </dl>
  )
}

function Terminal({
  commands,
  isBusy,
}: {
  readonly commands: readonly RunCommand[]
  readonly isBusy: boolean
}): JSX.Element {
  const [last] = commands
  return (
    <div class="visitor-terminal">
      {isBusy ? <progress aria-label="A command runs" /> : null}
      {last === undefined ? (
        <p class="quiet">Each button runs a command of the operator, which is shown here with what it prints.</p>
      ) : (
        <pre>
          <b>$ {last.line}</b>
          {`\n${last.output}`}
        </pre>
      )}
    </div>
  )
}
