import { render } from 'preact'
import '../style.css'
import { PasteBox } from './paste-box.js'

// The paste box as a page of its own, which works from a file.

const root = document.querySelector('#app')
if (root !== null)
  render(
    <>
      <header class="top">
        <span class="brand">
          Countersign <span>take apart</span>
        </span>
      </header>
      <main>
        <h1>Take a message apart</h1>
        <p class="lead">
          Paste what your program sent or got. It is judged by the code of Countersign, in this page. The page cannot
          send anything anywhere.
        </p>
        <PasteBox />
      </main>
    </>,
    root,
  )
