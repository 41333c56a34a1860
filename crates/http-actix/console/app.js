document.title = "Undertone console";
