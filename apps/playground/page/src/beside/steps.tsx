import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { BesideStep } from '../../../src/beside/contract.js'
import type { Sent, ShownMessage } from '../../../src/explorer/contract.js'

interface StepsProps {
  readonly steps: readonly BesideStep[]
  /** The message that decided the outcome. */
  readonly decisive: number | undefined
  /** The message that the URL asks for. */
  readonly opened: number | undefined
}

/** Who did what, each with the messages that it caused. */
export function Steps({ steps, decisive, opened }: StepsProps): JSX.Element {
  return (
    <ol class="beside-steps">
      {steps.map(({ actor, what, messages }, index) => (
        // Steps have no names of their own, and their order does not change.
        <li key={index}>
          <p>
            <span class="beside-actor" data-actor={actor}>
              {actor}
            </span>{' '}
            {what}
          </p>
          {messages.length === 0 ? (
            <p class="quiet">No message.</p>
          ) : (
            <ul>
              {messages.map(message => (
                <li key={message.id}>
                  <Message {...{ message }} isDecisive={message.id === decisive} isOpened={message.id === opened} />
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  )
}

interface MessageProps {
  readonly message: ShownMessage
  readonly isDecisive: boolean
  readonly isOpened: boolean
}

/** A message in one sentence, which opens to its request and response. */
function Message({ message, isDecisive, isOpened }: MessageProps): JSX.Element {
  const details = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    if (!isOpened || details.current === null) return
    details.current.open = true
    details.current.scrollIntoView({ block: 'center' })
    details.current.querySelector('summary')?.focus({ preventScroll: true })
  }, [isOpened])
  const { request, response, sentence, kind } = message
  return (
    <details ref={details} class="beside-message" data-kind={kind} data-decides={isDecisive}>
      <summary>
        {sentence} <code class={response.status >= 400 ? 'wrong' : 'quiet'}>{response.status}</code>
        {isDecisive ? <span class="beside-mark">decides</span> : null}
      </summary>
      <h4>Request</h4>
      <pre>{http(`${request.method} ${request.target}`, request)}</pre>
      <h4>Response</h4>
      <pre>{http(String(response.status), response)}</pre>
    </details>
  )
}

function http(first: string, { headers, body }: Sent): string {
  return [first, ...headers.map(([name, value]) => `${name}: ${value}`), ...(body === '' ? [] : ['', body])].join('\n')
}
