import type { JSX } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'

/** A section of which one is shown at a time. */
export interface Tab {
  readonly id: string
  readonly title: string
  /** How many things are in it, beside the title. */
  readonly count?: number
  readonly content: JSX.Element
}

interface TabsProps {
  readonly label: string
  readonly tabs: readonly Tab[]
  /** The one that is shown first. */
  readonly first?: string | undefined
}

/** Tabs with the keys of the ARIA pattern: arrows, Home and End move, and show at once. */
export function Tabs({ label, tabs, first }: TabsProps): JSX.Element {
  const [chosen, choose] = useState<string | undefined>(undefined)
  const base = useId()
  const list = useRef<HTMLDivElement>(null)
  const shown = tabs.find(({ id }) => id === chosen) ?? tabs.find(({ id }) => id === first) ?? tabs[0]
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = nextIndex(event.key, shown === undefined ? 0 : tabs.indexOf(shown), tabs.length)
    const tab = next === undefined ? undefined : tabs[next]
    if (tab === undefined || next === undefined) return
    event.preventDefault()
    choose(tab.id)
    list.current?.querySelectorAll('button')[next]?.focus()
  }
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {tabs.map(({ id, title, count }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${base}-${id}`}
            aria-controls={`${base}-panel`}
            aria-selected={id === shown?.id}
            tabIndex={id === shown?.id ? 0 : -1}
            onClick={() => choose(id)}
          >
            {title}
            {count === undefined ? null : <span class="count"> {count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${shown?.id ?? ''}`}>
        {shown?.content}
      </div>
    </div>
  )
}

function nextIndex(key: string, now: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowRight':
      return (now + 1) % count
    case 'ArrowLeft':
      return (now - 1 + count) % count
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}
