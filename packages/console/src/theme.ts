/** The colours of the page: the system's, unless something else was chosen here. */
export function theme(): 'system' | 'light' | 'dark' {
  const chosen = localStorage.getItem('keymoor-theme');
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}

export function chooseTheme(chosen: string): void {
  localStorage.setItem('keymoor-theme', chosen);
  applyTheme();
}
