import type { JSX } from 'preact'
import { BesidePage } from './beside/beside-page.js'
import { BreakPage } from './break/break-page.js'
import { HomePage } from './home/home-page.js'
import { PastePage } from './paste/paste-page.js'
import { Link, usePath } from './router.js'
import { StartAfresh } from './start-afresh.js'
import { type State, type Store, useStore } from './store.js'
import { StoriesPage } from './story/stories-page.js'
import { VisitorPage } from './visitor/visitor-page.js'

/** What a view gets. */
export interface ViewProps {
  readonly store: Store
  readonly state: State
  /** The parts of the path after the view's own. */
  readonly rest: readonly string[]
}

const views: ReadonlyArray<readonly [path: string, title: string, view: (props: ViewProps) => JSX.Element]> = [
  ['', 'How it works', HomePage],
  ['stories', 'Stories', StoriesPage],
  ['break', 'Break it', BreakPage],
  ['beside', 'Beside OAuth', BesidePage],
  ['you', 'Take part', VisitorPage],
  ['paste', 'Take apart', PastePage],
]

/** The page: one view at a time, by the path. */
export function App({ store }: { readonly store: Store }): JSX.Element {
  const state = useStore(store)
  const [, first = '', ...rest] = usePath().split('/')
  const [, title, View] = views.find(([path]) => path === first) ?? ['', 'How it works', HomePage]
  document.title = `${title} · Countersign`
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <Link to="/" class="brand">
          Countersign <span>playground</span>
        </Link>
        <nav aria-label="Views">
          {views.map(([path, name]) => (
            <Link key={path} to={`/${path}`} current={path === first}>
              {name}
            </Link>
          ))}
        </nav>
        {state.house !== undefined && !state.isLive ? (
          <p class="away" role="status">
            The playground does not answer. Is it still running?
          </p>
        ) : null}
      </header>
      <main id="main" tabIndex={-1}>
        <View store={store} state={state} rest={rest} />
      </main>
      <footer>
        <p>
          Everything here is real traffic between processes on this machine, in development mode. AAuth’s tokens are
          worth nothing elsewhere: each is bound to a key.
        </p>
        <StartAfresh />
      </footer>
    </>
  )
}
