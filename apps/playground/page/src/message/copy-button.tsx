import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

interface CopyButtonProps {
  /** What is copied, such as `the request`. */
  readonly what: string
  readonly text: string
}

/** Copies a text, and says so. */
export function CopyButton({ what, text }: CopyButtonProps): JSX.Element {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = setTimeout(() => setSaid(''), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('Not copied')
    }
  }
  return (
    <button type="button" class="copy" onClick={copy}>
      <span aria-live="polite">{said || 'Copy'}</span>
      <span class="sr-only"> {what}</span>
    </button>
  )
}
