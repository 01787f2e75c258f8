import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

// Every view has a URL: back, forward, reload and links work as on any page.

/** The path of the page, which renders a component anew when it changes. */
export function usePath(): string {
  const [path, setPath] = useState(location.pathname)
  useEffect(() => {
    const update = (): void => setPath(location.pathname)
    addEventListener('popstate', update)
    return () => removeEventListener('popstate', update)
  }, [])
  return path
}

/** Goes to another view. @param replace leaves no entry for the back button */
export function go(path: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (path === location.pathname) return
  if (replace) history.replaceState(null, '', path)
  else history.pushState(null, '', path)
  dispatchEvent(new PopStateEvent('popstate'))
}

interface LinkProps {
  readonly to: string
  readonly class?: string
  readonly current?: boolean
  readonly label?: string
  readonly children: ComponentChildren
}

/** A link to another view. */
export function Link({ to, class: className, current, label, children }: LinkProps): JSX.Element {
  const onClick = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={to} class={className} onClick={onClick} aria-current={current ? 'page' : undefined} aria-label={label}>
      {children}
    </a>
  )
}
