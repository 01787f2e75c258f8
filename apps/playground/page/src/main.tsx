import { render } from 'preact'
import { App } from './app.js'
import { connect, createStore } from './store.js'
import './style.css'

const root = document.querySelector('#app')
const store = createStore()
if (root !== null) {
  render(<App store={store} />, root)
  connect(store)
}
