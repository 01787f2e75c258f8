import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Party, ShownMessage, StoryRun } from '../../../src/explorer/contract.js'
import { curlOf } from '../../../src/sequence/curl.js'
import type { Store } from '../store.js'

interface OpenedStepProps {
  readonly store: Store
  readonly run: StoryRun
  readonly parties: readonly Party[]
  readonly step: number
  readonly message: ShownMessage
  readonly onClose: () => void
  readonly onGo: (step: number) => void
}

/** One message, taken apart. */
export function OpenedStep({ run, parties, step, message, onClose, onGo }: OpenedStepProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus({ preventScroll: false }), [])
  const origin = parties.find(({ id }) => id === message.to)?.url ?? ''
  return (
    <section class="opened-step card" aria-labelledby="opened-heading">
      <header>
        <h2 id="opened-heading" ref={heading} tabIndex={-1}>
          Step {step} of {run.messages.length}
        </h2>
        <div class="step-nav">
          <button type="button" disabled={step <= 1} onClick={() => onGo(step - 1)} aria-label="The step before">
            ←
          </button>
          <button
            type="button"
            disabled={step >= run.messages.length}
            onClick={() => onGo(step + 1)}
            aria-label="The next step"
          >
            →
          </button>
          <button type="button" onClick={onClose} aria-label="Close this step">
            ✕
          </button>
        </div>
      </header>
      <p>{message.sentence}</p>
      <CopyCurl text={curlOf(message, origin)} />
      <h3>Request</h3>
      <pre>{http(`${message.request.method} ${message.request.target}`, message.request)}</pre>
      <h3>Response</h3>
      <pre>{http(String(message.response.status), message.response)}</pre>
    </section>
  )
}

function http(first: string, { headers, body }: ShownMessage['response'] | ShownMessage['request']): string {
  return [first, ...headers.map(([name, value]) => `${name}: ${value}`), '', body].join('\n')
}

function CopyCurl({ text }: { readonly text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <button type="button" onClick={() => void copy()}>
      {isCopied ? 'Copied' : 'Copy as curl'}
    </button>
  )
}
