/** What is around the page's content: tabs and theme. */

import { byId } from './dom.js';

const THEME_KEY = 'featherwire-theme';

/** Takes the theme that was chosen here before, and keeps what is chosen now. */
export function setUpTheme(): void {
  const select = byId<HTMLSelectElement>('theme');
  const apply = (): void => {
    document.documentElement.dataset.theme = select.value;
    localStorage.setItem(THEME_KEY, select.value);
  };
  const kept = localStorage.getItem(THEME_KEY);
  if (kept && [...select.options].some(({ value }) => value === kept)) select.value = kept;
  apply();
  select.addEventListener('change', apply);
}

/** Tabs as the ARIA practices have them: arrows move, one tab is in the tab order. */
export function setUpTabs(): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>('[role=tab]')];
  const select = (chosen: HTMLButtonElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      byId(tab.getAttribute('aria-controls')!).hidden = !isChosen;
    }
  };
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener('click', () => select(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
      if (step === 0) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      select(next);
      next.focus();
    });
  }
}
