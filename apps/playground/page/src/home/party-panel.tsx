import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Party, Published } from '../../../src/explorer/contract.js'
import { json } from '../store.js'

/** One party: what it is, and what it publishes at this moment. */
export function PartyPanel({ party, onClose }: { readonly party: Party; readonly onClose: () => void }): JSX.Element {
  const [published, setPublished] = useState<readonly Published[] | undefined>(undefined)
  const panel = useRef<HTMLElement>(null)
  // On a phone it is below the map.
  useEffect(() => panel.current?.scrollIntoView({ block: 'nearest' }), [party.id])
  useEffect(() => {
    let isGone = false
    setPublished(undefined)
    json<Published[]>(`/api/published/${party.id}`).then(
      found => !isGone && setPublished(found),
      () => !isGone && setPublished([]),
    )
    return () => {
      isGone = true
    }
  }, [party.id])
  return (
    <section class="card party-panel" ref={panel} aria-label={party.name} aria-live="polite">
      <header>
        <h2>{party.name}</h2>
        <button type="button" onClick={onClose} aria-label={`Close ${party.name}`}>
          ✕
        </button>
      </header>
      <p>{party.about}</p>
      {party.url === undefined ? null : (
        <p class="quiet">
          Its identifier is <code>{party.url}</code>. It publishes, right now:
        </p>
      )}
      {published === undefined ? <p role="status">Asking it…</p> : null}
      {published?.map(({ name, url, text }) => (
        <details key={url} open={name !== 'keys'}>
          <summary>
            {name} <code>{new URL(url).pathname}</code>
          </summary>
          <pre>{text}</pre>
        </details>
      ))}
      {published?.length === 0 && party.url === undefined ? <p class="quiet">It publishes nothing.</p> : null}
    </section>
  )
}
