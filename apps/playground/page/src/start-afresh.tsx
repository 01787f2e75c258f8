import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

type Phase = 'offered' | 'asked' | 'starting' | 'failed'

/** Makes everything anew after a second click: the participants with their keys and databases, and what the page shows of them. */
export function StartAfresh(): JSX.Element {
  const [phase, setPhase] = useState<Phase>('offered')
  const keep = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    // The button that was pressed is gone: the focus must not fall back to the top of the page.
    if (phase === 'asked') keep.current?.focus()
  }, [phase])
  const start = async (): Promise<void> => {
    setPhase('starting')
    const response = await fetch('/api/afresh', { method: 'POST' }).catch(() => undefined)
    if (response?.ok === true) location.reload()
    else setPhase('failed')
  }
  return (
    <section class="afresh" aria-label="Start afresh">
      {phase === 'asked' ? (
        <>
          <span>Forget everything that was played, allowed and made here?</span>
          <button type="button" onClick={() => void start()}>
            Yes, start afresh
          </button>
          <button type="button" ref={keep} onClick={() => setPhase('offered')}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" disabled={phase === 'starting'} onClick={() => setPhase('asked')}>
          Start afresh
        </button>
      )}
      <span role="status">{words[phase]}</span>
    </section>
  )
}

const words: Readonly<Record<Phase, string>> = {
  offered: '',
  asked: '',
  starting: 'All participants start again. That takes a few seconds.',
  failed: 'The participants could not be started. Press again, or start the playground anew.',
}
