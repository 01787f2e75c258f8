import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Party, ShownMessage, StoryRun } from '../../../src/explorer/contract.js'
import { curlOf } from '../../../src/sequence/curl.js'
import { BreakIt } from '../break/break-it.js'
import { CopyButton } from '../message/copy-button.js'
import { MessageView } from '../message/message-view.js'
import { useKnown } from '../message/use-known.js'
import type { State } from '../store.js'

interface OpenedStepProps {
  readonly state: State
  readonly run: StoryRun
  readonly parties: readonly Party[]
  readonly step: number
  readonly message: ShownMessage
  readonly onClose: () => void
  readonly onGo: (step: number) => void
}

/** One message of a story, taken apart. */
export function OpenedStep({ state, run, parties, step, message, onClose, onGo }: OpenedStepProps): JSX.Element {
  const known = useKnown(state)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const origin = parties.find(({ id }) => id === message.to)?.url ?? ''
  return (
    <section class="opened-step card" aria-labelledby="opened-heading">
      <header>
        <h2 id="opened-heading" ref={heading} tabIndex={-1}>
          Step {step} of {run.messages.length}
        </h2>
        <div class="step-nav">
          <span class="as-curl">
            <CopyButton what="the request as a command of curl" text={curlOf(message, origin)} /> curl
          </span>
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
      <MessageView message={message} known={known} />
      <BreakIt message={message} />
    </section>
  )
}
