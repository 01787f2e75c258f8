import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Known } from '../../../src/analysis/known.js'
import type { BesideStep } from '../../../src/beside/contract.js'
import type { Sent, ShownMessage } from '../../../src/explorer/contract.js'
import { MessageView } from '../message/message-view.js'

interface StepsProps {
  /** What the parties of AAuth publish. */
  readonly known: Known
  readonly steps: readonly BesideStep[]
  /** The message that decided the outcome. */
  readonly decisive: number | undefined
  /** The message that the URL asks for. */
  readonly opened: number | undefined
}

/** Who did what, each with the messages that it caused. */
export function Steps({ known, steps, decisive, opened }: StepsProps): JSX.Element {
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
                  <Message
                    {...{ known, message }}
                    isDecisive={message.id === decisive}
                    isOpened={message.id === opened}
                  />
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
  readonly known: Known
  readonly message: ShownMessage
  readonly isDecisive: boolean
  readonly isOpened: boolean
}

/** A message in one sentence, which opens to its request and response; a signed one is taken apart. */
function Message({ known, message, isDecisive, isOpened }: MessageProps): JSX.Element {
  const details = useRef<HTMLDetailsElement>(null)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    if (!isOpened || details.current === null) return
    details.current.open = true
    details.current.scrollIntoView({ block: 'center' })
    details.current.querySelector('summary')?.focus({ preventScroll: true })
  }, [isOpened])
  const { response, sentence, kind } = message
  return (
    <details
      ref={details}
      class="beside-message"
      data-kind={kind}
      data-decides={isDecisive}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>
        {sentence} <code class={response.status >= 400 ? 'wrong' : 'quiet'}>{response.status}</code>
        {isDecisive ? <span class="beside-mark">decides</span> : null}
      </summary>
      {isOpen ? isSigned(message) ? <MessageView {...{ message, known }} /> : <AsSent {...{ message }} /> : null}
    </details>
  )
}

function isSigned({ request }: ShownMessage): boolean {
  return request.headers.some(([name]) => name.toLowerCase() === 'signature-key')
}

function AsSent({ message: { request, response } }: { readonly message: ShownMessage }): JSX.Element {
  return (
    <>
      <h4>Request</h4>
      <pre>{http(`${request.method} ${request.target}`, request)}</pre>
      <h4>Response</h4>
      <pre>{http(String(response.status), response)}</pre>
    </>
  )
}

function http(first: string, { headers, body }: Sent): string {
  return [first, ...headers.map(([name, value]) => `${name}: ${value}`), ...(body === '' ? [] : ['', body])].join('\n')
}
