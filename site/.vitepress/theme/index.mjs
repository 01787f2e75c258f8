// The default theme with the fonts of the reader's system: no page requests a font.
import { useRoute } from 'vitepress'
import Theme from 'vitepress/theme-without-fonts'
import { nextTick, onMounted, watch } from 'vue'
import './style.css'

export default {
  extends: Theme,
  setup() {
    const route = useRoute()
    onMounted(nameMain)
    watch(
      () => route.path,
      () => nextTick(nameMain),
    )
  },
}

/** The theme's home page has no main landmark, to which readers of a screen reader jump. */
function nameMain() {
  document.querySelector('.VPHome')?.setAttribute('role', 'main')
}
