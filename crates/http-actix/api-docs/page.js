const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

window.SwaggerUIBundle({
  // Of this service, behind a proxy that adds a prefix to the paths too.
  url: new URL("../openapi.json", document.baseURI).href,
  dom_id: "#api",
  deepLinking: true,
});
